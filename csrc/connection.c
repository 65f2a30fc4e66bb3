/*
** connection.c: a connection, plain commands, and waiting for a notification.
*/
#define _GNU_SOURCE
#include "fstore.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Notices are not for stderr, which belongs to the program. */
static void drop_notice(void *unused, const PGresult *notice) {
  (void)unused;
  (void)notice;
}

static bool set_id(fs_conn *conn, fs_result *result) {
  unsigned char uuid[FS_UUID_BYTES];
  if (!fs_uuid_v4(uuid)) return fs_fail(result, FS_DATABASE, "the system gives no random bytes");
  memcpy(&conn->id, uuid, sizeof conn->id);
  return true;
}

static bool set_schema(fs_conn *conn, const char *schema, fs_result *result) {
  conn->schema = strdup(schema);
  conn->quoted_schema = PQescapeIdentifier(conn->link, schema, strlen(schema));
  if (conn->schema != NULL && conn->quoted_schema != NULL) return true;
  return fs_fail(result, FS_DATABASE, "out of memory");
}

/* The lists end with NULL; a keyword "dbname" may hold a whole connection string. Closed again when it fails. */
bool fs_connect(fs_conn *conn, const char *const *keywords, const char *const *values, const char *schema,
                fs_result *result) {
  fs_result_clear(result);
  conn->link = PQconnectdbParams(keywords, values, 1);
  if (PQstatus(conn->link) != CONNECTION_OK) {
    fs_fail(result, FS_CONNECTION, conn->link != NULL ? PQerrorMessage(conn->link) : "out of memory");
    fs_close(conn);
    return false;
  }
  PQsetNoticeReceiver(conn->link, drop_notice, NULL);
  if (set_schema(conn, schema, result) && set_id(conn, result)) return true;
  fs_close(conn);
  return false;
}

void fs_close(fs_conn *conn) {
  fs_forget_queries(conn);
  fs_result_clear(&conn->pipeline.failure);
  PQfreemem(conn->quoted_schema);
  free(conn->schema);
  PQfinish(conn->link);
  *conn = (fs_conn){0};
}

const char *fs_status(fs_conn *conn) {
  if (conn->link == NULL) return "closed";
  if (conn->pipeline.sent > 0) return "transaction"; /* as far as we know */
  switch (PQtransactionStatus(conn->link)) {
    case PQTRANS_IDLE: return "idle";
    case PQTRANS_INTRANS: return "transaction";
    case PQTRANS_INERROR: return "failed";
    default: return "closed"; /* the connection is lost */
  }
}

/* Several statements may be in the text; the last one's result counts. */
bool fs_exec(fs_conn *conn, const char *sql, fs_result *result) {
  return fs_check_result(conn, PQexec(fs_idle(conn), sql), result);
}

static double now_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* True when there was one or more; their payloads are of no use to us. */
static bool take_notifications(PGconn *pg) {
  bool any = false;
  for (PGnotify *notify = PQnotifies(pg); notify != NULL; notify = PQnotifies(pg)) {
    PQfreemem(notify);
    any = true;
  }
  return any;
}

/* Waits until the socket has something to read: poll's own answer. */
static int poll_socket(PGconn *pg, double deadline) {
  struct pollfd socket = {.fd = PQsocket(pg), .events = POLLIN};
  double left = ceil(deadline - now_milliseconds());
  if (left < 0) left = 0;
  return poll(&socket, 1, left < INT_MAX ? (int)left : INT_MAX);
}

fs_wait fs_wait_notification(fs_conn *conn, double milliseconds, fs_result *result) {
  double deadline = now_milliseconds() + milliseconds;
  PGconn *pg = fs_idle(conn);
  for (;;) {
    if (!PQconsumeInput(pg)) {
      fs_fail(result, FS_CONNECTION, PQerrorMessage(pg));
      return FS_WAIT_FAILED;
    }
    if (take_notifications(pg)) return FS_WAIT_NOTIFIED;
    int ready = poll_socket(pg, deadline);
    if (ready < 0 && errno == EINTR) return FS_WAIT_INTERRUPTED;
    if (ready < 0) {
      fs_fail(result, FS_CONNECTION, strerror(errno));
      return FS_WAIT_FAILED;
    }
    if (ready == 0 && now_milliseconds() >= deadline) return FS_WAIT_TIMEOUT;
  }
}
