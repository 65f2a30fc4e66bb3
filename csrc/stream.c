/*
** stream.c: the events of one decider, page by page.
*/
#include "fstore.h"

static bool fetch(fs_conn *conn, fs_stream *stream) {
  fs_params params = {0};
  fs_add_bytes(&params, stream->decider_id, FS_UUID_BYTES);
  fs_add_bytes(&params, stream->decider, stream->decider_length);
  fs_add_int8(&params, stream->after);
  fs_add_int4(&params, stream->page);
  stream->row = 0;
  return fs_run(conn, FS_GET_EVENTS, &params, &stream->result) && fs_check_events(&stream->result, false);
}

/* Whether the page at hand, read to its end, was the last one; if not, the next begins after its last event. */
static bool was_last_page(fs_stream *stream) {
  const PGresult *pg = stream->result.pg;
  if (pg == NULL) return false;
  stream->after = fs_row_offset(pg, PQntuples(pg) - 1);
  return PQntuples(pg) < stream->page;
}

/* Moves to the next event, which is then at stream->row of the result. Done at the end and after a failure. */
bool fs_stream_next(fs_conn *conn, fs_stream *stream) {
  if (stream->done) return false;
  if (++stream->row < PQntuples(stream->result.pg)) return true;
  stream->done = was_last_page(stream) || !fetch(conn, stream) || PQntuples(stream->result.pg) == 0;
  return !stream->done;
}
