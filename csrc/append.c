/*
** append.c: one event or many into the store, in one round trip.
*/
#include "fstore.h"

#define COLUMNS 9

static const Oid element_types[COLUMNS] = {
    FS_OID_TEXT, FS_OID_UUID, FS_OID_TEXT, FS_OID_UUID, FS_OID_JSONB,
    FS_OID_UUID, FS_OID_UUID, FS_OID_INT8, FS_OID_BOOL,
};

/* The event's element in the array of one parameter of append_events. */
static void put_element(fs_buffer *buffer, int column, const fs_event *event) {
  switch (column) {
    case 0: fs_put_item(buffer, fs_event_name(event), event->name_length); break;
    case 1: fs_put_item(buffer, event->event_id, FS_UUID_BYTES); break;
    case 2: fs_put_item(buffer, fs_event_decider(event), event->decider_length); break;
    case 3: fs_put_item(buffer, event->decider_id, FS_UUID_BYTES); break;
    case 4: fs_put_jsonb(buffer, fs_event_data(event), event->data_length); break;
    case 5: fs_put_item(buffer, event->command_id, FS_UUID_BYTES); break;
    case 6:
      if (event->has_previous) {
        fs_put_item(buffer, event->previous_id, FS_UUID_BYTES);
      } else {
        fs_put_null(buffer);
      }
      break;
    case 7: fs_put_int8(buffer, event->version); break;
    case 8: fs_put_bool(buffer, event->final); break;
  }
}

static bool append_many(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  fs_buffer buffer = {0};
  size_t start[COLUMNS + 1];
  for (int column = 0; column < COLUMNS; column++) {
    start[column] = buffer.used;
    fs_put_array(&buffer, element_types[column], n);
    for (size_t i = 0; i < n; i++) put_element(&buffer, column, events[i]);
  }
  start[COLUMNS] = buffer.used;
  fs_params params = {0};
  for (int column = 0; column < COLUMNS && !buffer.failed; column++)
    fs_add_bytes(&params, buffer.data + start[column], start[column + 1] - start[column]);
  bool ok = buffer.failed ? fs_fail(result, FS_INVALID, "the batch does not fit into memory")
                          : fs_run(conn, FS_APPEND_EVENTS, &params, result);
  fs_buffer_free(&buffer);
  return ok;
}

static bool append_one(fs_conn *conn, const fs_event *event, fs_result *result) {
  fs_buffer data = {0};
  fs_put(&data, "\1", 1);
  fs_put(&data, fs_event_data(event), event->data_length);
  if (data.failed) return fs_fail(result, FS_INVALID, "the event does not fit into memory");
  fs_params params = {0};
  fs_add_bytes(&params, fs_event_name(event), event->name_length);
  fs_add_bytes(&params, event->event_id, FS_UUID_BYTES);
  fs_add_bytes(&params, fs_event_decider(event), event->decider_length);
  fs_add_bytes(&params, event->decider_id, FS_UUID_BYTES);
  fs_add_bytes(&params, data.data, data.used);
  fs_add_bytes(&params, event->command_id, FS_UUID_BYTES);
  fs_add_bytes(&params, event->has_previous ? event->previous_id : NULL, FS_UUID_BYTES);
  fs_add_int8(&params, event->version);
  fs_add_bool(&params, event->final);
  bool ok = fs_run(conn, FS_APPEND_EVENT, &params, result);
  fs_buffer_free(&data);
  return ok;
}

/* On success the events know their offset and time. */
bool fs_append_events(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  bool ok = n == 1 ? append_one(conn, events[0], result) : append_many(conn, events, n, result);
  if (!ok) return false;
  if ((size_t)PQntuples(result->pg) != n)
    return fs_fail(result, FS_DATABASE, "the server stored another number of events than it was given");
  for (size_t i = 0; i < n; i++) {
    events[i]->offset = fs_load_int8(PQgetvalue(result->pg, (int)i, 0));
    events[i]->created_at = fs_load_int8(PQgetvalue(result->pg, (int)i, 1));
  }
  return true;
}
