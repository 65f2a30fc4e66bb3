/*
** baseline.c: what the database does for a plain libpq program, without Lua and without the store's rules.
**
** baseline MODE CONNINFO SECONDS CLIENTS SIZE SQL
** Runs SQL as a prepared statement for so many seconds in so many processes and prints how many items a second it made:
**   ping    no parameters
**   single  one event a call, in streams of SIZE: $1 event_id, $2 decider_id, $3 data, $4 command_id, $5 previous_id
**   batch   SIZE events a call, in streams of 10: the same five as arrays
**   random  the same, its ids random instead of UUID v7
**   upsert  one call an item, SIZE calls a transaction: $1 a key of 0..SIZE-1, $2 a number
*/
#include "fstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STREAM_LENGTH 10
#define DATA                                                                                                           \
  "{\"item\": \"book\", \"price\": {\"amount\": 1999, \"currency\": \"EUR\"}, \"quantity\": 2, \"customer\": \"Ada\"}"

typedef char uuid_text[FS_UUID_TEXT + 1];

typedef struct run {
  PGconn *pg;
  int size;
  uuid_text decider_id, last_id;
  int place;   /* of the next event in its stream */
  double busy; /* seconds in calls of libpq: what the parameters cost is not counted */
  char *lists[5];
} run;

static void fail(const char *what) {
  fprintf(stderr, "baseline: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_random; /* ids of version 4 instead of 7 */

static void new_uuid(uuid_text text) {
  unsigned char uuid[FS_UUID_BYTES];
  if (!(is_random ? fs_uuid_v4 : fs_uuid_v7)(uuid)) fail("no random bytes");
  fs_uuid_format(uuid, text);
  text[FS_UUID_TEXT] = 0;
}

static void check(PGconn *pg, PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(PQerrorMessage(pg));
  PQclear(result);
}

static void execute(run *r, int n, const char *const *values) {
  double start = now();
  check(r->pg, PQexecPrepared(r->pg, "s", n, values, NULL, NULL, 1));
  r->busy += now() - start;
}

/* The next event's ids; its previous_id is NULL at the start of a stream. */
static const char *next_event(run *r, int length, uuid_text event_id, uuid_text previous_id) {
  bool first = r->place == 0;
  if (first) new_uuid(r->decider_id);
  memcpy(previous_id, r->last_id, sizeof(uuid_text));
  new_uuid(event_id);
  memcpy(r->last_id, event_id, sizeof(uuid_text));
  r->place = (r->place + 1) % length;
  return first ? NULL : previous_id;
}

static int ping(run *r) {
  execute(r, 0, NULL);
  return 1;
}

static int single(run *r) {
  uuid_text event_id, previous_id, command_id;
  const char *previous = next_event(r, r->size, event_id, previous_id);
  new_uuid(command_id);
  const char *values[] = {event_id, r->decider_id, DATA, command_id, previous};
  execute(r, 5, values);
  return 1;
}

static void put(char *list, const char *text, int i) {
  strcat(list, i == 0 ? "{" : ",");
  strcat(list, text);
}

/* DATA as an element of an array: quoted, its quotes escaped. */
static void quoted_data(char *text) {
  *text++ = '"';
  for (const char *c = DATA; *c; c++) {
    if (*c == '"') *text++ = '\\';
    *text++ = *c;
  }
  strcpy(text, "\"");
}

static int batch(run *r) {
  char data[2 * sizeof DATA + 2];
  char *ends[5];
  quoted_data(data);
  for (int c = 0; c < 5; c++) {
    if (r->lists[c] == NULL) r->lists[c] = malloc((size_t)r->size * (sizeof data + 1) + 2);
    ends[c] = r->lists[c];
    *ends[c] = 0;
  }
  for (int i = 0; i < r->size; i++) {
    uuid_text event_id, previous_id, command_id;
    const char *previous = next_event(r, STREAM_LENGTH, event_id, previous_id);
    new_uuid(command_id);
    const char *values[] = {event_id, r->decider_id, data, command_id, previous == NULL ? "NULL" : previous};
    for (int c = 0; c < 5; c++) {
      put(ends[c], values[c], i);
      ends[c] += strlen(ends[c]);
    }
  }
  for (int c = 0; c < 5; c++) strcpy(ends[c], "}");
  execute(r, 5, (const char *const *)r->lists);
  return r->size;
}

static int upsert(run *r) {
  double start = now(), before = r->busy;
  check(r->pg, PQexec(r->pg, "BEGIN"));
  for (int i = 0; i < r->size; i++) {
    char key[16];
    snprintf(key, sizeof key, "%d", i);
    const char *values[] = {key, "1"};
    execute(r, 2, values);
  }
  check(r->pg, PQexec(r->pg, "COMMIT"));
  r->busy = before + now() - start;
  return r->size;
}

typedef struct mode {
  const char *name;
  int (*step)(run *r);
} mode;

static const mode modes[] = {
    {"ping", ping}, {"single", single}, {"batch", batch}, {"random", batch}, {"upsert", upsert}};

static const mode *find_mode(const char *name) {
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    if (strcmp(modes[i].name, name) == 0) return &modes[i];
  }
  fail("no such mode");
  return NULL;
}

/* Items a second of one client. */
static double measure(const mode *m, const char *conninfo, double seconds, int size, const char *sql) {
  run r = {.pg = PQconnectdb(conninfo), .size = size};
  if (PQstatus(r.pg) != CONNECTION_OK) fail(PQerrorMessage(r.pg));
  check(r.pg, PQprepare(r.pg, "s", sql, 0, NULL));
  m->step(&r);
  long items = 0;
  r.busy = 0;
  while (r.busy < seconds) items += m->step(&r);
  PQfinish(r.pg);
  return (double)items / r.busy;
}

int main(int argc, char **argv) {
  if (argc != 7) fail("usage: baseline MODE CONNINFO SECONDS CLIENTS SIZE SQL");
  const mode *m = find_mode(argv[1]);
  int clients = atoi(argv[4]), ends[2];
  double total = 0, one;
  is_random = strcmp(m->name, "random") == 0;
  if (pipe(ends) != 0) fail("no pipe");
  for (int i = 0; i < clients; i++) {
    if (fork() == 0) {
      one = measure(m, argv[2], atof(argv[3]), atoi(argv[5]), argv[6]);
      return write(ends[1], &one, sizeof one) != sizeof one;
    }
  }
  for (int i = 0, status; i < clients; i++) {
    if (wait(&status) < 0 || status != 0) fail("a client failed");
    if (read(ends[0], &one, sizeof one) != sizeof one) fail("a client gave no answer");
    total += one;
  }
  printf("%.3f\n", total);
  return 0;
}
