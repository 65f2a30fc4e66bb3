/*
** statement.c: what we ask of the schema as statements, prepared when they are first run.
*/
#include "fstore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_COLUMNS                                                                                                  \
  "event, event_id, event_version, decider, decider_id, data, command_id, previous_id, final, created_at, \"offset\""

#define APPEND_COLUMNS "(event, event_id, decider, decider_id, data, command_id, previous_id, event_version, final)"

#define STORED_COLUMNS "\"offset\", created_at"

#define CALL(columns, call) "select " columns " from %s." call

enum { TEXT_RESULT, BINARY_RESULT };

typedef struct statement {
  const char *sql; /* %s: the schema */
  int format;
  int n;
  Oid types[FS_MAX_PARAMS];
} statement;

static const statement statements[FS_STATEMENTS] = {
    [FS_INSERT_EVENT] = {"insert into %s.events " APPEND_COLUMNS
                         " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning " STORED_COLUMNS,
                         BINARY_RESULT,
                         9,
                         {FS_OID_TEXT, FS_OID_UUID, FS_OID_TEXT, FS_OID_UUID, FS_OID_JSONB, FS_OID_UUID, FS_OID_UUID,
                          FS_OID_INT8, FS_OID_BOOL}},
    [FS_INSERT_EVENTS] =
        {"insert into %s.events " APPEND_COLUMNS
         " select n.c1, n.c2, n.c3, n.c4, n.c5, n.c6, n.c7, coalesce(n.c8, 1), coalesce(n.c9, false)"
         " from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) with ordinality"
         " as n (c1, c2, c3, c4, c5, c6, c7, c8, c9, place) order by n.place returning " STORED_COLUMNS,
         BINARY_RESULT,
         9,
         {FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY, FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY, FS_OID_JSONB_ARRAY,
          FS_OID_UUID_ARRAY, FS_OID_UUID_ARRAY, FS_OID_INT8_ARRAY, FS_OID_BOOL_ARRAY}},
    [FS_EXPLAIN_REJECTION] = {CALL("", "explain_rejection($1, $2, $3, $4, $5, $6)"),
                              BINARY_RESULT,
                              6,
                              {FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY, FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY,
                               FS_OID_UUID_ARRAY, FS_OID_INT8_ARRAY}},
    [FS_APPEND_EVENT] = {CALL(STORED_COLUMNS, "append_event($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
                         BINARY_RESULT,
                         9,
                         {FS_OID_TEXT, FS_OID_UUID, FS_OID_TEXT, FS_OID_UUID, FS_OID_JSONB, FS_OID_UUID, FS_OID_UUID,
                          FS_OID_INT8, FS_OID_BOOL}},
    [FS_APPEND_EVENTS] = {CALL(STORED_COLUMNS, "append_events($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
                          BINARY_RESULT,
                          9,
                          {FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY, FS_OID_TEXT_ARRAY, FS_OID_UUID_ARRAY,
                           FS_OID_JSONB_ARRAY, FS_OID_UUID_ARRAY, FS_OID_UUID_ARRAY, FS_OID_INT8_ARRAY,
                           FS_OID_BOOL_ARRAY}},
    [FS_GET_EVENTS] = {CALL(EVENT_COLUMNS, "get_events($1, $2, $3, $4)"),
                       BINARY_RESULT,
                       4,
                       {FS_OID_UUID, FS_OID_TEXT, FS_OID_INT8, FS_OID_INT4}},
    [FS_GET_STREAMS] = {CALL(EVENT_COLUMNS, "get_streams($1, $2, $3)"),
                        BINARY_RESULT,
                        3,
                        {FS_OID_UUID_ARRAY, FS_OID_TEXT, FS_OID_INT4}},
    [FS_GET_LAST_EVENT] = {CALL(EVENT_COLUMNS, "get_last_event($1, $2)"), BINARY_RESULT, 2, {FS_OID_UUID, FS_OID_TEXT}},
    [FS_READ_EVENTS] = {CALL(EVENT_COLUMNS, "read_events($1, $2, $3, $4)"),
                        BINARY_RESULT,
                        4,
                        {FS_OID_INT8, FS_OID_INT4, FS_OID_TEXT, FS_OID_UUID}},
    [FS_REGISTER_DECIDER_EVENT] = {CALL("*", "register_decider_event($1, $2, $3, $4)"),
                                   TEXT_RESULT,
                                   4,
                                   {FS_OID_TEXT, FS_OID_TEXT, FS_OID_TEXT, FS_OID_INT8}},
    [FS_REGISTER_VIEW] = {CALL("*", "register_view($1, $2::timestamptz, coalesce($3, 300), $4, $5, $6, $7::integer)"),
                          TEXT_RESULT,
                          7,
                          {FS_OID_TEXT, FS_OID_TEXT, FS_OID_INT8, FS_OID_INT8, FS_OID_TEXT, FS_OID_BOOL, FS_OID_INT8}},
    [FS_STREAM_EVENTS] = {CALL(EVENT_COLUMNS, "stream_events($1, $2, $3)"),
                          BINARY_RESULT,
                          3,
                          {FS_OID_TEXT, FS_OID_INT4, FS_OID_INT4}},
    [FS_LEASE_EVENTS] = {CALL(EVENT_COLUMNS ", token, attempts", "lease_events($1, $2, $3, NULL, $4)"),
                         BINARY_RESULT,
                         4,
                         {FS_OID_TEXT, FS_OID_INT4, FS_OID_INT4, FS_OID_INT4}},
    [FS_ACK_EVENT] = {CALL("*", "ack_event($1, $2, $3, $4)"),
                      TEXT_RESULT,
                      4,
                      {FS_OID_TEXT, FS_OID_UUID, FS_OID_INT8, FS_OID_INT8}},
    [FS_NACK_EVENT] = {CALL("*", "nack_event($1, $2, $3)"), TEXT_RESULT, 3, {FS_OID_TEXT, FS_OID_UUID, FS_OID_INT8}},
    [FS_SCHEDULE_NACK_EVENT] = {CALL("*", "schedule_nack_event($1, $2, $3, $4)"),
                                TEXT_RESULT,
                                4,
                                {FS_OID_TEXT, FS_OID_UUID, FS_OID_INT8, FS_OID_INT8}},
    [FS_ACK_EVENTS] = {CALL("count(*)", "ack_events($1, $2, $3, $4)"),
                       BINARY_RESULT,
                       4,
                       {FS_OID_TEXT, FS_OID_UUID_ARRAY, FS_OID_INT8_ARRAY, FS_OID_INT8_ARRAY}},
    [FS_NACK_EVENTS] = {CALL("count(*)", "nack_events($1, $2, $3, $4, $5)"),
                        BINARY_RESULT,
                        5,
                        {FS_OID_TEXT, FS_OID_UUID_ARRAY, FS_OID_INT8_ARRAY, FS_OID_INT8_ARRAY, FS_OID_TEXT_ARRAY}},
};

/* A server that forgot our statements this often sits behind a pooler: it gets them unnamed from then on. */
#define MAX_LOSSES 3

#define NAME_SIZE 64

void fs_add_bytes(fs_params *params, const void *bytes, size_t length) {
  int i = params->n++;
  params->values[i] = bytes;
  params->lengths[i] = length <= INT32_MAX ? (int)length : -1;
  params->formats[i] = 1;
}

void fs_add_null(fs_params *params) { fs_add_bytes(params, NULL, 0); }

void fs_add_int8(fs_params *params, int64_t value) {
  unsigned char *bytes = params->numbers[params->n];
  fs_store_int8(bytes, value);
  fs_add_bytes(params, bytes, 8);
}

void fs_add_int4(fs_params *params, int32_t value) {
  unsigned char *bytes = params->numbers[params->n];
  fs_store_int4(bytes, value);
  fs_add_bytes(params, bytes, 4);
}

void fs_add_bool(fs_params *params, bool value) { fs_add_bytes(params, value ? "\1" : "\0", 1); }

static bool too_long(const fs_params *params) {
  for (int i = 0; i < params->n; i++) {
    if (params->lengths[i] < 0) return true;
  }
  return false;
}

/* The statement's SQL text, to be freed; NULL when there is no memory. */
static char *sql_text(const fs_conn *conn, const statement *s) {
  const char *place = strstr(s->sql, "%s");
  size_t size = strlen(s->sql) + strlen(conn->quoted_schema) + 1;
  char *sql = malloc(size);
  if (sql != NULL) snprintf(sql, size, "%.*s%s%s", (int)(place - s->sql), s->sql, conn->quoted_schema, place + 2);
  return sql;
}

static void statement_name(const fs_conn *conn, fs_statement id, char name[NAME_SIZE]) {
  snprintf(name, NAME_SIZE, "fstore_%" PRIx64 "_%u_%d", conn->id, conn->losses, (int)id);
}

/* An INSERT of ours asks for its error texts afterwards: the trigger that gives them to others need not run. */
static bool set_up(fs_conn *conn, fs_statement id, fs_result *result) {
  if (id != FS_INSERT_EVENT && id != FS_INSERT_EVENTS) return true;
  return fs_exec(conn, "set fstore.checked = 'by statement'", result);
}

static bool prepare(fs_conn *conn, fs_statement id, const char *name, fs_result *result) {
  const statement *s = &statements[id];
  if (!set_up(conn, id, result)) return false;
  char *sql = sql_text(conn, s);
  if (sql == NULL) return fs_fail(result, FS_DATABASE, "out of memory");
  PGresult *pg = PQprepare(fs_idle(conn), name, sql, s->n, s->types);
  free(sql);
  if (!fs_check_result(conn, pg, result)) return false;
  conn->prepared |= 1U << id;
  return true;
}

static bool run_prepared(fs_conn *conn, fs_statement id, const fs_params *p, fs_result *result) {
  char name[NAME_SIZE];
  statement_name(conn, id, name);
  if (!(conn->prepared & 1U << id) && !prepare(conn, id, name, result)) return false;
  PGresult *pg = fs_exec_prepared(conn, name, p->n, p->values, p->lengths, p->formats, statements[id].format);
  return fs_check_result(conn, pg, result);
}

static bool run_unnamed(fs_conn *conn, fs_statement id, const fs_params *p, fs_result *result) {
  const statement *s = &statements[id];
  char *sql = sql_text(conn, s);
  if (sql == NULL) return fs_fail(result, FS_DATABASE, "out of memory");
  PGresult *pg = PQexecParams(fs_idle(conn), sql, p->n, s->types, p->values, p->lengths, p->formats, s->format);
  free(sql);
  return fs_check_result(conn, pg, result);
}

/* Then a pooler is in between, and nothing is prepared any more. */
bool fs_has_lost_too_often(const fs_conn *conn) { return conn->losses > MAX_LOSSES; }

/* After a failure: true when the server forgot the statement, which has not run and may be sent again whole. In a
   transaction it may not: the failure broke that. */
bool fs_lose_statements(fs_conn *conn, const fs_result *result) {
  if (!fs_statement_is_lost(result)) return false;
  conn->prepared = 0;
  conn->losses++;
  return PQtransactionStatus(conn->link) == PQTRANS_IDLE;
}

bool fs_run(fs_conn *conn, fs_statement id, const fs_params *params, fs_result *result) {
  fs_result_clear(result);
  if (too_long(params)) return fs_fail(result, FS_INVALID, "a parameter is longer than 2 GB");
  if (fs_has_lost_too_often(conn)) return run_unnamed(conn, id, params, result);
  if (run_prepared(conn, id, params, result)) return true;
  return fs_lose_statements(conn, result) && run_unnamed(conn, id, params, result);
}
