/*
** lock.c: many leases given back in one round trip.
*/
#include "fstore.h"

typedef void put_function(fs_buffer *buffer, const fs_lock *lock);

static void put_decider_id(fs_buffer *buffer, const fs_lock *lock) {
  fs_put_item(buffer, lock->decider_id, FS_UUID_BYTES);
}

static void put_offset(fs_buffer *buffer, const fs_lock *lock) { fs_put_int8(buffer, lock->offset); }

static void put_optional(fs_buffer *buffer, bool present, int64_t value) {
  if (present) {
    fs_put_int8(buffer, value);
  } else {
    fs_put_null(buffer);
  }
}

static void put_token(fs_buffer *buffer, const fs_lock *lock) { put_optional(buffer, lock->has_token, lock->token); }

static void put_milliseconds(fs_buffer *buffer, const fs_lock *lock) {
  put_optional(buffer, lock->has_milliseconds, lock->milliseconds);
}

static void put_error(fs_buffer *buffer, const fs_lock *lock) {
  if (lock->error == NULL) {
    fs_put_null(buffer);
  } else {
    fs_put_item(buffer, lock->error, lock->error_length);
  }
}

typedef struct column {
  Oid type;
  put_function *put;
} column;

static bool run(fs_conn *conn, fs_statement statement, const char *view, size_t view_length, const column *columns,
                int n_columns, const fs_lock *locks, size_t n, fs_result *result) {
  fs_buffer buffer = {0};
  size_t start[FS_MAX_PARAMS];
  for (int c = 0; c < n_columns; c++) {
    start[c] = buffer.used;
    fs_put_array(&buffer, columns[c].type, n);
    for (size_t i = 0; i < n; i++) columns[c].put(&buffer, &locks[i]);
  }
  start[n_columns] = buffer.used;
  fs_params params = {0};
  fs_add_bytes(&params, view, view_length);
  for (int c = 0; c < n_columns && !buffer.failed; c++)
    fs_add_bytes(&params, buffer.data + start[c], start[c + 1] - start[c]);
  bool ok = buffer.failed ? fs_fail(result, FS_INVALID, "the batch does not fit into memory")
                          : fs_run(conn, statement, &params, result);
  fs_buffer_free(&buffer);
  return ok;
}

/* The result is one number: how many were accepted. */
bool fs_ack_events(fs_conn *conn, const char *view, size_t view_length, const fs_lock *locks, size_t n,
                   fs_result *result) {
  static const column columns[] = {{FS_OID_UUID, put_decider_id}, {FS_OID_INT8, put_offset}, {FS_OID_INT8, put_token}};
  return run(conn, FS_ACK_EVENTS, view, view_length, columns, 3, locks, n, result);
}

bool fs_nack_events(fs_conn *conn, const char *view, size_t view_length, const fs_lock *locks, size_t n,
                    fs_result *result) {
  static const column columns[] = {{FS_OID_UUID, put_decider_id},
                                   {FS_OID_INT8, put_token},
                                   {FS_OID_INT8, put_milliseconds},
                                   {FS_OID_TEXT, put_error}};
  return run(conn, FS_NACK_EVENTS, view, view_length, columns, 4, locks, n, result);
}
