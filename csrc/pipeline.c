/*
** pipeline.c: writes that are sent ahead, in libpq's pipeline mode; the one place that knows of that mode.
**
** Between fs_open_pipeline and fs_close_pipeline a write that is known to return no rows is sent and not waited for.
** Whatever else talks to the server gets the connection from fs_idle, which reads the answers first. When one of them
** is an error, pipeline mode is not left: libpq then refuses what is tried, until fs_close_pipeline tells the error.
*/
#include "fstore.h"

#include <stdlib.h>

/* The server begins its work while we make more of it. */
#define FLUSH_EVERY 16

static bool has_failed(const fs_conn *conn) { return conn->pipeline.failure.error.kind != FS_OK; }

/* libpq ends the answer to each statement with a NULL. */
static PGresult *next_answer(PGconn *pg) {
  PGresult *answer = PQgetResult(pg), *more;
  while (answer != NULL && (more = PQgetResult(pg)) != NULL) PQclear(more);
  return answer;
}

/* What follows the first failure was skipped by the server. */
static void take_answer(fs_conn *conn, int64_t *affected) {
  PGresult *pg = next_answer(conn->link);
  bool ok = PQresultStatus(pg) == PGRES_COMMAND_OK;
  *affected = ok ? strtoll(PQcmdTuples(pg), NULL, 10) : -1;
  if (ok || has_failed(conn)) {
    PQclear(pg);
  } else {
    fs_check_result(conn, pg, &conn->pipeline.failure);
  }
}

static void take_answers(fs_conn *conn) {
  fs_pipeline *pipeline = &conn->pipeline;
  if (!PQpipelineSync(conn->link)) fs_check_result(conn, NULL, &pipeline->failure);
  for (int i = 0; i < pipeline->sent; i++) take_answer(conn, &pipeline->affected[i]);
  pipeline->answered = pipeline->sent;
  pipeline->sent = 0;
}

/* After all answers: that of the sync. */
static void end_round(fs_conn *conn) {
  PQclear(next_answer(conn->link));
  if (has_failed(conn)) {
    fs_lose_statements(conn, &conn->pipeline.failure);
  } else {
    PQexitPipelineMode(conn->link);
  }
}

/* The connection with nothing under way. */
PGconn *fs_idle(fs_conn *conn) {
  if (conn->pipeline.sent > 0) {
    take_answers(conn);
    end_round(conn);
  }
  return conn->link;
}

/* As PQexecPrepared, sharing the round trip with what was sent ahead. */
PGresult *fs_exec_prepared(fs_conn *conn, const char *name, int n, const char *const *values, const int *lengths,
                           const int *formats, int format) {
  if (conn->pipeline.sent == 0) return PQexecPrepared(conn->link, name, n, values, lengths, formats, format);
  bool sent = PQsendQueryPrepared(conn->link, name, n, values, lengths, formats, format);
  take_answers(conn);
  PGresult *answer = sent ? next_answer(conn->link) : NULL;
  end_round(conn);
  if (!has_failed(conn)) return answer;
  PQclear(answer);
  return NULL;
}

static bool enter(fs_conn *conn) {
  return PQpipelineStatus(conn->link) != PQ_PIPELINE_OFF || PQenterPipelineMode(conn->link);
}

/* Keeps count, and the answers under way few: they need memory. */
static bool note_sent(fs_conn *conn, bool sent, fs_result *result) {
  if (!sent) return fs_check_result(conn, NULL, result);
  fs_result_clear(result);
  result->place = ++conn->pipeline.sent;
  if (conn->pipeline.sent == FS_PIPELINE) {
    fs_idle(conn);
  } else if (conn->pipeline.sent % FLUSH_EVERY == 0) {
    PQflush(conn->link);
  }
  return true;
}

/* Sends a prepared write. The caller has seen to the rows affected by earlier ones, if they matter to it. */
bool fs_send_ahead(fs_conn *conn, const char *name, int n, const char *const *values, fs_result *result) {
  if (has_failed(conn)) return fs_check_result(conn, NULL, result);
  bool sent = enter(conn) && PQsendQueryPrepared(conn->link, name, n, values, NULL, NULL, 0);
  return note_sent(conn, sent, result);
}

/* Sends the statements that the pipeline begins with. */
void fs_open_pipeline(fs_conn *conn, const char *const *sql, int n) {
  fs_result result = {0};
  conn->pipeline.is_open = true;
  for (int i = 0; i < n && !has_failed(conn); i++) {
    bool sent = enter(conn) && PQsendQueryParams(conn->link, sql[i], 0, NULL, NULL, NULL, NULL, 0);
    if (!note_sent(conn, sent, &result)) conn->pipeline.failure = result;
  }
}

/* Fails with the first failure of what was sent ahead. */
bool fs_close_pipeline(fs_conn *conn, fs_result *result) {
  fs_pipeline *pipeline = &conn->pipeline;
  fs_idle(conn);
  fs_result_clear(result);
  *result = pipeline->failure;
  pipeline->failure = (fs_result){0};
  pipeline->is_open = false;
  PQexitPipelineMode(conn->link);
  return result->error.kind == FS_OK;
}
