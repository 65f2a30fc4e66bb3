/*
** query.c: a caller's own SQL with parameters; what comes more than once is prepared.
*/
#include "fstore.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each text may be in one of so many places. */
#define NEIGHBOURS 4

static uint32_t hash_of(const char *sql) {
  uint32_t hash = 2166136261u;
  for (const char *c = sql; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
  return hash;
}

static bool holds(const fs_query *query, const char *sql) { return query->sql != NULL && strcmp(query->sql, sql) == 0; }

/* How dear the place is to the text that is there. */
static int rank(const fs_query *query) { return query->is_prepared ? 2 : query->sql != NULL; }

/* Where a text has its place: the first texts that are repeated keep theirs, others are sent whole each time. */
static fs_query *find_place(fs_conn *conn, const char *sql) {
  uint32_t hash = hash_of(sql);
  fs_query *place = &conn->queries[hash % FS_QUERIES];
  for (uint32_t i = 0; i < NEIGHBOURS; i++) {
    fs_query *query = &conn->queries[(hash + i) % FS_QUERIES];
    if (holds(query, sql)) return query;
    if (rank(query) < rank(place)) place = query;
  }
  return place;
}

/* True when the text has been here before. */
static bool is_repeated(fs_query *query, const char *sql) {
  if (holds(query, sql)) return true;
  if (query->is_prepared) return false;
  free(query->sql);
  query->sql = strdup(sql);
  return false;
}

static bool is_known(const fs_conn *conn, const fs_query *query) {
  return query->is_prepared && query->losses == conn->losses;
}

static bool prepare(fs_conn *conn, fs_query *query, int n, fs_result *result) {
  int place = (int)(query - conn->queries);
  snprintf(query->name, FS_NAME, "fstore_%" PRIx64 "_%u_q%d", conn->id, conn->losses, place);
  if (!fs_check_result(conn, PQprepare(fs_idle(conn), query->name, query->sql, n, NULL), result)) return false;
  query->is_prepared = true;
  query->is_write = false;
  query->losses = conn->losses;
  return true;
}

static bool run_prepared(fs_conn *conn, fs_query *query, int n, const char *const *values, fs_result *result) {
  if (!is_known(conn, query) && !prepare(conn, query, n, result)) return false;
  if (query->is_write && conn->pipeline.is_open) return fs_send_ahead(conn, query->name, n, values, result);
  PGresult *pg = fs_exec_prepared(conn, query->name, n, values, NULL, NULL, 0);
  query->is_write = PQresultStatus(pg) == PGRES_COMMAND_OK;
  return fs_check_result(conn, pg, result);
}

static bool run_whole(fs_conn *conn, const char *sql, int n, const char *const *values, fs_result *result) {
  return fs_check_result(conn, PQexecParams(fs_idle(conn), sql, n, NULL, values, NULL, NULL, 0), result);
}

/* Parameters as text, their types inferred by the server. */
bool fs_exec_params(fs_conn *conn, const char *sql, int n, const char *const *values, fs_result *result) {
  fs_query *query = find_place(conn, sql);
  if (fs_has_lost_too_often(conn) || !is_repeated(query, sql)) return run_whole(conn, sql, n, values, result);
  if (run_prepared(conn, query, n, values, result)) return true;
  return fs_lose_statements(conn, result) && run_whole(conn, sql, n, values, result);
}

void fs_forget_queries(fs_conn *conn) {
  for (int i = 0; i < FS_QUERIES; i++) free(conn->queries[i].sql);
}
