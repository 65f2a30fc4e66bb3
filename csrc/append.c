/*
** append.c: one event or many into the store, in one round trip.
**
** Outside of a transaction that is an INSERT: what guards the log are its constraints and triggers, and append_event()
** adds only the words for what they refuse, at the price of a subtransaction. We ask for these words when there is a
** refusal. Inside of a transaction it would be too late for that, so there the function is called.
*/
#include "fstore.h"

/* The parameters of append_events, in their order. */
enum { EVENT, EVENT_ID, DECIDER, DECIDER_ID, DATA, COMMAND_ID, PREVIOUS_ID, VERSION, FINAL, COLUMNS };

static const Oid element_types[COLUMNS] = {
    FS_OID_TEXT, FS_OID_UUID, FS_OID_TEXT, FS_OID_UUID, FS_OID_JSONB,
    FS_OID_UUID, FS_OID_UUID, FS_OID_INT8, FS_OID_BOOL,
};

/* The event's element in the array of one parameter of append_events. */
static void put_element(fs_buffer *buffer, int column, const fs_event *event) {
  switch (column) {
    case EVENT: fs_put_item(buffer, fs_event_name(event), event->name_length); break;
    case EVENT_ID: fs_put_item(buffer, event->event_id, FS_UUID_BYTES); break;
    case DECIDER: fs_put_item(buffer, fs_event_decider(event), event->decider_length); break;
    case DECIDER_ID: fs_put_item(buffer, event->decider_id, FS_UUID_BYTES); break;
    case DATA: fs_put_jsonb(buffer, fs_event_data(event), event->data_length); break;
    case COMMAND_ID: fs_put_item(buffer, event->command_id, FS_UUID_BYTES); break;
    case PREVIOUS_ID:
      if (event->has_previous) {
        fs_put_item(buffer, event->previous_id, FS_UUID_BYTES);
      } else {
        fs_put_null(buffer);
      }
      break;
    case VERSION: fs_put_int8(buffer, event->version); break;
    case FINAL: fs_put_bool(buffer, event->final); break;
  }
}

/* Whether a NULL in this column would say the same of the event. */
static bool is_default(int column, const fs_event *event) {
  switch (column) {
    case PREVIOUS_ID: return !event->has_previous;
    case VERSION: return event->version == 1;
    case FINAL: return !event->final;
    default: return false;
  }
}

/* Nothing at all for a column of defaults: most events are of version 1, and few are final. */
static void put_column(fs_buffer *buffer, int column, fs_event *const *events, size_t n) {
  size_t defaults = 0;
  while (defaults < n && is_default(column, events[defaults])) defaults++;
  if (defaults == n) return;
  fs_put_array(buffer, element_types[column], n);
  for (size_t e = 0; e < n; e++) put_element(buffer, column, events[e]);
}

/* Runs a statement whose parameters are arrays of these columns, or NULL. */
static bool run_arrays(fs_conn *conn, fs_statement statement, const int *columns, int n_columns,
                       fs_event *const *events, size_t n, fs_result *result) {
  fs_buffer buffer = {0};
  size_t start[COLUMNS + 1];
  for (int i = 0; i < n_columns; i++) {
    start[i] = buffer.used;
    put_column(&buffer, columns[i], events, n);
  }
  start[n_columns] = buffer.used;
  fs_params params = {0};
  for (int i = 0; i < n_columns && !buffer.failed; i++) {
    size_t length = start[i + 1] - start[i];
    fs_add_bytes(&params, length > 0 ? buffer.data + start[i] : NULL, length);
  }
  bool ok = buffer.failed ? fs_fail(result, FS_INVALID, "the batch does not fit into memory")
                          : fs_run(conn, statement, &params, result);
  fs_buffer_free(&buffer);
  return ok;
}

static bool run_many(fs_conn *conn, fs_statement statement, fs_event *const *events, size_t n, fs_result *result) {
  static const int columns[] = {EVENT, EVENT_ID, DECIDER, DECIDER_ID, DATA, COMMAND_ID, PREVIOUS_ID, VERSION, FINAL};
  return run_arrays(conn, statement, columns, COLUMNS, events, n, result);
}

static bool run_one(fs_conn *conn, fs_statement statement, const fs_event *event, fs_result *result) {
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
  bool ok = fs_run(conn, statement, &params, result);
  fs_buffer_free(&data);
  return ok;
}

static bool call(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  return n == 1 ? run_one(conn, FS_APPEND_EVENT, events[0], result)
                : run_many(conn, FS_APPEND_EVENTS, events, n, result);
}

/* A refusal by a constraint, in the store's words instead; kept as it is when there is nothing to say any more. */
static void explain(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  static const int columns[] = {EVENT, EVENT_ID, DECIDER, DECIDER_ID, PREVIOUS_ID, VERSION};
  fs_result words = {0};
  bool found = !run_arrays(conn, FS_EXPLAIN_REJECTION, columns, 6, events, n, &words) && fs_is_ours(&words);
  fs_result_clear(found ? result : &words);
  if (found) *result = words;
}

static bool insert(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  bool ok =
      n == 1 ? run_one(conn, FS_INSERT_EVENT, events[0], result) : run_many(conn, FS_INSERT_EVENTS, events, n, result);
  if (ok) return true;
  if (result->error.kind == FS_PERMISSION) {
    conn->is_guest = true;
    return call(conn, events, n, result);
  }
  if (fs_is_refusal(result)) explain(conn, events, n, result);
  return false;
}

/* On success the events know their offset and time. */
bool fs_append_events(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result) {
  bool inserts = PQtransactionStatus(fs_idle(conn)) == PQTRANS_IDLE && !conn->is_guest && !fs_has_lost_too_often(conn);
  bool ok = inserts ? insert(conn, events, n, result) : call(conn, events, n, result);
  if (!ok) return false;
  if ((size_t)PQntuples(result->pg) != n)
    return fs_fail(result, FS_DATABASE, "the server stored another number of events than it was given");
  for (size_t i = 0; i < n; i++) {
    events[i]->offset = fs_load_int8(PQgetvalue(result->pg, (int)i, 0));
    events[i]->created_at = fs_load_int8(PQgetvalue(result->pg, (int)i, 1));
  }
  return true;
}
