/*
** error.c: the one place that turns a libpq result into an error and reads SQLSTATEs.
*/
#define _GNU_SOURCE
#include "fstore.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [FS_OK] = "ok",
    [FS_CONFLICT] = "conflict",
    [FS_FINAL] = "final",
    [FS_WRONG_PREVIOUS] = "wrong_previous",
    [FS_UNKNOWN_EVENT] = "unknown_event",
    [FS_IMMUTABLE] = "immutable",
    [FS_DUPLICATE] = "duplicate",
    [FS_LOST_LEASE] = "lost_lease",
    [FS_INVALID] = "invalid",
    [FS_NEWER_SCHEMA] = "newer_schema",
    [FS_CONSTRAINT] = "constraint",
    [FS_PERMISSION] = "permission",
    [FS_NO_SCHEMA] = "no_schema",
    [FS_SERIALIZATION] = "serialization",
    [FS_CANCELLED] = "cancelled",
    [FS_CONNECTION] = "connection",
    [FS_DATABASE] = "database",
};

/* The longest matching prefix comes first. */
static const struct {
  const char *prefix;
  const char *constraint; /* NULL: any */
  fs_kind kind;
} rules[] = {
    {"FS001", NULL, FS_CONFLICT},
    {"FS002", NULL, FS_FINAL},
    {"FS003", NULL, FS_WRONG_PREVIOUS},
    {"FS004", NULL, FS_UNKNOWN_EVENT},
    {"FS005", NULL, FS_IMMUTABLE},
    {"FS006", NULL, FS_DUPLICATE},
    {"FS007", NULL, FS_LOST_LEASE},
    {"FS008", NULL, FS_INVALID},
    {"FS009", NULL, FS_NEWER_SCHEMA},
    {"23505", "events_first_key", FS_CONFLICT},
    {"23505", "events_previous_id_key", FS_CONFLICT},
    {"23505", "events_event_id_key", FS_DUPLICATE},
    {"23503", "events_decider_fkey", FS_UNKNOWN_EVENT},
    {"23503", "events_decider_event_event_version_fkey", FS_UNKNOWN_EVENT},
    {"23", NULL, FS_CONSTRAINT},
    {"22", NULL, FS_INVALID},
    {"28", NULL, FS_PERMISSION},
    {"42501", NULL, FS_PERMISSION},
    {"3F000", NULL, FS_NO_SCHEMA},
    {"42P01", NULL, FS_NO_SCHEMA},
    {"42883", NULL, FS_NO_SCHEMA},
    {"40001", NULL, FS_SERIALIZATION},
    {"40P01", NULL, FS_SERIALIZATION},
    {"57014", NULL, FS_CANCELLED},
    {"25006", NULL, FS_CONNECTION}, /* a standby: the primary is somewhere else */
    {"57P01", NULL, FS_CONNECTION},
    {"57P02", NULL, FS_CONNECTION},
    {"57P03", NULL, FS_CONNECTION},
    {"08", NULL, FS_CONNECTION},
};

const char *fs_kind_name(fs_kind kind) { return kind_names[kind]; }

static bool matches(size_t rule, const fs_error *error) {
  const char *constraint = rules[rule].constraint;
  if (strncmp(error->sqlstate, rules[rule].prefix, strlen(rules[rule].prefix)) != 0) return false;
  return constraint == NULL || (error->constraint != NULL && strcmp(constraint, error->constraint) == 0);
}

/* A missing table or function is a missing schema only when it is ours; else it is a mistake in the caller's SQL. */
static fs_kind classify(const fs_conn *conn, const fs_error *error) {
  if (PQstatus(conn->link) == CONNECTION_BAD) return FS_CONNECTION;
  for (size_t rule = 0; rule < sizeof rules / sizeof *rules; rule++) {
    if (!matches(rule, error)) continue;
    if (rules[rule].kind != FS_NO_SCHEMA) return rules[rule].kind;
    return strstr(error->message, conn->schema) != NULL ? FS_NO_SCHEMA : FS_DATABASE;
  }
  return FS_DATABASE;
}

void fs_result_clear(fs_result *result) {
  PQclear(result->pg);
  free(result->text);
  *result = (fs_result){0};
}

/* Fails with a copy of the message, less the newline that libpq puts at its end. */
bool fs_fail(fs_result *result, fs_kind kind, const char *message) {
  size_t length = strlen(message);
  while (length > 0 && message[length - 1] == '\n') length--;
  char *text = malloc(length + 1);
  if (text != NULL) {
    memcpy(text, message, length);
    text[length] = '\0';
  }
  free(result->text);
  result->text = text;
  result->error = (fs_error){.kind = kind, .message = text != NULL ? text : "out of memory"};
  return false;
}

static void read_fields(fs_result *result) {
  fs_error *error = &result->error;
  const char *sqlstate = PQresultErrorField(result->pg, PG_DIAG_SQLSTATE);
  if (sqlstate != NULL) memcpy(error->sqlstate, sqlstate, strnlen(sqlstate, 5));
  const char *message = PQresultErrorField(result->pg, PG_DIAG_MESSAGE_PRIMARY);
  if (message != NULL) error->message = message; /* else it is libpq's own, already there */
  error->detail = PQresultErrorField(result->pg, PG_DIAG_MESSAGE_DETAIL);
  error->hint = PQresultErrorField(result->pg, PG_DIAG_MESSAGE_HINT);
  error->constraint = PQresultErrorField(result->pg, PG_DIAG_CONSTRAINT_NAME);
}

/* Nothing was run: a write sent ahead had failed, or the connection is lost. */
static bool fail_unanswered(fs_conn *conn, fs_result *result) {
  const fs_error *before = &conn->pipeline.failure.error;
  if (before->kind != FS_OK) return fs_fail(result, before->kind, before->message);
  bool lost = PQstatus(conn->link) == CONNECTION_BAD;
  return fs_fail(result, lost ? FS_CONNECTION : FS_DATABASE, PQerrorMessage(conn->link));
}

/* The slot takes the libpq result over, NULL included; true when the command succeeded. */
bool fs_check_result(fs_conn *conn, PGresult *pg, fs_result *result) {
  fs_result_clear(result);
  result->pg = pg;
  if (pg == NULL) return fail_unanswered(conn, result);
  switch (PQresultStatus(pg)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY: return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      PQclear(PQexec(fs_idle(conn), "")); /* libpq ends the copy before the next command */
      return fs_fail(result, FS_DATABASE, "COPY from and to the client is not supported");
    default:
      fs_fail(result, FS_DATABASE, PQresultErrorMessage(pg));
      read_fields(result);
      result->error.kind = classify(conn, &result->error);
      if (result->error.kind == FS_NO_SCHEMA && result->error.hint == NULL) result->error.hint = "run fstore-lua init";
      return false;
  }
}

/* A constraint of the log refused an event: explain_rejection() has better words for it. */
bool fs_is_refusal(const fs_result *result) {
  return strncmp(result->error.sqlstate, "23", 2) == 0 && result->error.kind != FS_CONSTRAINT;
}

/* The store itself raised the error. */
bool fs_is_ours(const fs_result *result) { return strncmp(result->error.sqlstate, "FS", 2) == 0; }

/* The server dropped a prepared statement, changed what it returns, or has one of that name from another client. */
bool fs_statement_is_lost(const fs_result *result) {
  static const char *const states[] = {"26000", "0A000", "42P05"};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
    if (strcmp(result->error.sqlstate, states[i]) == 0) return true;
  }
  return false;
}
