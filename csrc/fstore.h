/*
** fstore.h: the ground floor of the C core.
**
** It knows libpq and libcurl, and nothing of Lua. Every function that talks to the server takes the connection and a
** result slot: the slot owns the PGresult and the error made from it, and is emptied by fs_result_clear.
*/
#ifndef FSTORE_H
#define FSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libpq-fe.h>

/* Only luaopen_fstore_core leaves the module, whatever flags it was compiled with. */
#pragma GCC visibility push(hidden)

/* ---- error.c: what went wrong, in our own terms ---- */

typedef enum fs_kind {
  FS_OK,
  FS_CONFLICT,
  FS_FINAL,
  FS_WRONG_PREVIOUS,
  FS_UNKNOWN_EVENT,
  FS_IMMUTABLE,
  FS_DUPLICATE,
  FS_LOST_LEASE,
  FS_INVALID,
  FS_NEWER_SCHEMA,
  FS_CONSTRAINT,
  FS_PERMISSION,
  FS_NO_SCHEMA,
  FS_SERIALIZATION,
  FS_CANCELLED,
  FS_CONNECTION,
  FS_DATABASE
} fs_kind;

/* The strings live as long as the result that holds the error; an absent one is NULL. */
typedef struct fs_error {
  fs_kind kind;
  char sqlstate[6];
  const char *message;
  const char *detail;
  const char *hint;
  const char *constraint;
} fs_error;

/* One answer of the server, or the reason why there is none. All zero is a valid empty slot. */
typedef struct fs_result {
  PGresult *pg;
  char *text; /* backs error.message when no PGresult does */
  int place;  /* from 1: a write sent ahead, which has no answer yet; see pipeline.c */
  fs_error error;
} fs_result;

typedef struct fs_conn fs_conn;

const char *fs_kind_name(fs_kind kind);
bool fs_check_result(fs_conn *conn, PGresult *pg, fs_result *result);
bool fs_fail(fs_result *result, fs_kind kind, const char *message);
bool fs_is_refusal(const fs_result *result);
bool fs_is_ours(const fs_result *result);
bool fs_statement_is_lost(const fs_result *result);
void fs_result_clear(fs_result *result);

/* ---- connection.c ---- */

#define FS_QUERIES 32
#define FS_NAME 64

/* A text that was sent with parameters. */
typedef struct fs_query {
  char *sql;
  char name[FS_NAME]; /* as a prepared statement */
  bool is_prepared;
  bool is_write;   /* it has run, and returns no rows */
  unsigned losses; /* of the connection when it was prepared */
} fs_query;

#define FS_PIPELINE 256

/* Statements sent ahead: their answers are read before anything else is said to the server. */
typedef struct fs_pipeline {
  bool is_open;                  /* writes may be sent ahead */
  int sent;                      /* and not answered */
  int answered;                  /* of those sent before, by place less 1: */
  int64_t affected[FS_PIPELINE]; /* rows; -1 when it failed */
  fs_result failure;             /* the first one: until the pipeline is closed, nothing more runs */
} fs_pipeline;

struct fs_conn {
  PGconn *link;        /* what says something to the server takes it from fs_idle */
  char *schema;        /* as given */
  char *quoted_schema; /* as it stands in SQL text */
  uint64_t id;         /* in the names of our statements: behind a pooler another client may have the same ones */
  uint32_t prepared;   /* a bit per fs_statement that the server knows */
  unsigned losses;     /* how often the server forgot our statements; names the current generation of them */
  bool is_guest;       /* may append through functions only */
  fs_query queries[FS_QUERIES];
  fs_pipeline pipeline;
};

typedef enum fs_wait { FS_WAIT_NOTIFIED, FS_WAIT_TIMEOUT, FS_WAIT_INTERRUPTED, FS_WAIT_FAILED } fs_wait;

bool fs_connect(fs_conn *conn, const char *const *keywords, const char *const *values, const char *schema,
                fs_result *result);
void fs_close(fs_conn *conn);
const char *fs_status(fs_conn *conn);
bool fs_exec(fs_conn *conn, const char *sql, fs_result *result);
fs_wait fs_wait_notification(fs_conn *conn, double milliseconds, fs_result *result);

/* ---- pipeline.c ---- */

PGconn *fs_idle(fs_conn *conn);
PGresult *fs_exec_prepared(fs_conn *conn, const char *name, int n, const char *const *values, const int *lengths,
                           const int *formats, int format);
bool fs_send_ahead(fs_conn *conn, const char *name, int n, const char *const *values, fs_result *result);
void fs_open_pipeline(fs_conn *conn, const char *const *sql, int n);
bool fs_close_pipeline(fs_conn *conn, fs_result *result);

/* ---- statement.c: the SQL functions of the schema, and INSERTs into its log, as prepared statements ---- */

typedef enum fs_statement {
  FS_INSERT_EVENT,
  FS_INSERT_EVENTS,
  FS_EXPLAIN_REJECTION,
  FS_APPEND_EVENT,
  FS_APPEND_EVENTS,
  FS_GET_EVENTS,
  FS_GET_STREAMS,
  FS_GET_LAST_EVENT,
  FS_READ_EVENTS,
  FS_REGISTER_DECIDER_EVENT,
  FS_REGISTER_VIEW,
  FS_STREAM_EVENTS,
  FS_LEASE_EVENTS,
  FS_ACK_EVENT,
  FS_NACK_EVENT,
  FS_SCHEDULE_NACK_EVENT,
  FS_ACK_EVENTS,
  FS_NACK_EVENTS,
  FS_STATEMENTS
} fs_statement;

#define FS_MAX_PARAMS 9

/* Parameters in binary format. Bytes are referenced, numbers are kept inside. */
typedef struct fs_params {
  int n;
  const char *values[FS_MAX_PARAMS];
  int lengths[FS_MAX_PARAMS];
  int formats[FS_MAX_PARAMS];
  unsigned char numbers[FS_MAX_PARAMS][8];
} fs_params;

void fs_add_null(fs_params *params);
void fs_add_bytes(fs_params *params, const void *bytes, size_t length);
void fs_add_int8(fs_params *params, int64_t value);
void fs_add_int4(fs_params *params, int32_t value);
void fs_add_bool(fs_params *params, bool value);

bool fs_run(fs_conn *conn, fs_statement statement, const fs_params *params, fs_result *result);
bool fs_has_lost_too_often(const fs_conn *conn);
bool fs_lose_statements(fs_conn *conn, const fs_result *result);

/* ---- query.c: any SQL with parameters ---- */

bool fs_exec_params(fs_conn *conn, const char *sql, int n, const char *const *values, fs_result *result);
void fs_forget_queries(fs_conn *conn);

/* ---- buffer.c: growing bytes, PostgreSQL's binary numbers and arrays ---- */

enum {
  FS_OID_BOOL = 16,
  FS_OID_BYTEA = 17,
  FS_OID_INT8 = 20,
  FS_OID_INT2 = 21,
  FS_OID_INT4 = 23,
  FS_OID_TEXT = 25,
  FS_OID_JSON = 114,
  FS_OID_FLOAT4 = 700,
  FS_OID_FLOAT8 = 701,
  FS_OID_BOOL_ARRAY = 1000,
  FS_OID_TEXT_ARRAY = 1009,
  FS_OID_INT8_ARRAY = 1016,
  FS_OID_TIMESTAMPTZ = 1184,
  FS_OID_UUID = 2950,
  FS_OID_UUID_ARRAY = 2951,
  FS_OID_JSONB = 3802,
  FS_OID_JSONB_ARRAY = 3807
};

typedef struct fs_buffer {
  char *data;
  size_t used;
  size_t size;
  bool failed; /* out of memory: what was put since is lost */
} fs_buffer;

bool fs_reserve(fs_buffer *buffer, size_t more);
/* Here, to be part of its callers: it is what JSON and parameters are written by, a few bytes at a time. */
static inline void fs_put(fs_buffer *buffer, const void *bytes, size_t length) {
  if (length == 0 || (length > buffer->size - buffer->used && !fs_reserve(buffer, length))) return;
  memcpy(buffer->data + buffer->used, bytes, length);
  buffer->used += length;
}
void fs_buffer_free(fs_buffer *buffer);
void fs_put_array(fs_buffer *buffer, Oid element_type, size_t n);
void fs_put_null(fs_buffer *buffer);
void fs_put_item(fs_buffer *buffer, const void *bytes, size_t length);
void fs_put_jsonb(fs_buffer *buffer, const char *text, size_t length);
void fs_put_int8(fs_buffer *buffer, int64_t value);
void fs_put_bool(fs_buffer *buffer, bool value);
void fs_store_int4(unsigned char *bytes, int32_t value);
void fs_store_int8(unsigned char *bytes, int64_t value);
int32_t fs_load_int4(const char *bytes);
int64_t fs_load_int8(const char *bytes);

/* ---- uuid.c, sha1.c ---- */

#define FS_UUID_BYTES 16
#define FS_UUID_TEXT 36

bool fs_uuid_parse(const char *text, size_t length, unsigned char uuid[FS_UUID_BYTES]);
void fs_uuid_format(const unsigned char uuid[FS_UUID_BYTES], char text[FS_UUID_TEXT]);
bool fs_uuid_v4(unsigned char uuid[FS_UUID_BYTES]);
void fs_uuid_v5(const unsigned char space[FS_UUID_BYTES], const char *name, size_t length,
                unsigned char uuid[FS_UUID_BYTES]);
bool fs_uuid_v7(unsigned char uuid[FS_UUID_BYTES]);

#define FS_SHA1_BYTES 20

typedef struct fs_sha1 {
  uint32_t state[5];
  uint64_t total;
  unsigned char block[64];
} fs_sha1;

void fs_sha1_start(fs_sha1 *sha);
void fs_sha1_add(fs_sha1 *sha, const void *bytes, size_t length);
void fs_sha1_finish(fs_sha1 *sha, unsigned char digest[FS_SHA1_BYTES]);

/* ---- sha256.c ---- */

#define FS_SHA256_BYTES 32

typedef struct fs_sha256 {
  uint32_t state[8];
  uint64_t total;
  unsigned char block[64];
} fs_sha256;

void fs_sha256_start(fs_sha256 *sha);
void fs_sha256_add(fs_sha256 *sha, const void *bytes, size_t length);
void fs_sha256_finish(fs_sha256 *sha, unsigned char digest[FS_SHA256_BYTES]);
void fs_hmac_sha256(const void *key, size_t key_length, const void *text, size_t length,
                    unsigned char digest[FS_SHA256_BYTES]);

/* ---- text.c, number.c ---- */

#define FS_TEXT_FINE SIZE_MAX
#define FS_NUMBER_TEXT 40

size_t fs_text_fault(const char *text, size_t length);
size_t fs_utf8_length(const char *text, size_t length);
int fs_format_double(double value, char text[FS_NUMBER_TEXT]);
bool fs_parse_double(const char *text, size_t length, double *value);
bool fs_fits_int64(const char *digits, size_t length);
bool fs_double_holds(const char *text, size_t length);

/* ---- event.c: one event, all its bytes in one block ---- */

typedef struct fs_event {
  int64_t version;
  int64_t created_at; /* microseconds since 2000-01-01 UTC, as the server keeps it */
  int64_t offset;
  int64_t token;
  int32_t attempts;
  bool leased; /* token and attempts are set */
  bool final;
  bool has_previous;
  unsigned char event_id[FS_UUID_BYTES];
  unsigned char decider_id[FS_UUID_BYTES];
  unsigned char command_id[FS_UUID_BYTES];
  unsigned char previous_id[FS_UUID_BYTES];
  size_t name_length;
  size_t decider_length;
  size_t data_length;
  char text[]; /* the event's name, the decider, the data as JSON */
} fs_event;

#define FS_TIMESTAMP_TEXT 48

static inline const char *fs_event_name(const fs_event *event) { return event->text; }
static inline const char *fs_event_decider(const fs_event *event) { return event->text + event->name_length; }
static inline const char *fs_event_data(const fs_event *event) {
  return event->text + event->name_length + event->decider_length;
}

bool fs_check_events(fs_result *result, bool leased);
size_t fs_event_size(const PGresult *pg, int row);
void fs_read_event(const PGresult *pg, int row, fs_event *event);
int64_t fs_row_offset(const PGresult *pg, int row);
int fs_format_timestamp(int64_t microseconds, char text[FS_TIMESTAMP_TEXT]);

/* ---- append.c, stream.c, lock.c ---- */

bool fs_append_events(fs_conn *conn, fs_event *const *events, size_t n, fs_result *result);

/* A stream read in pages by offset; each page is one complete query. */
typedef struct fs_stream {
  unsigned char decider_id[FS_UUID_BYTES];
  int64_t after;
  int32_t page;
  int row;
  bool done;
  fs_result result;
  size_t decider_length;
  char decider[];
} fs_stream;

bool fs_stream_next(fs_conn *conn, fs_stream *stream);

/* One partition that is given back: acked up to an offset, or nacked. */
typedef struct fs_lock {
  unsigned char decider_id[FS_UUID_BYTES];
  int64_t offset;
  int64_t token;
  int64_t milliseconds;
  const char *error;
  size_t error_length;
  bool has_token;
  bool has_milliseconds;
} fs_lock;

bool fs_ack_events(fs_conn *conn, const char *view, size_t view_length, const fs_lock *locks, size_t n,
                   fs_result *result);
bool fs_nack_events(fs_conn *conn, const char *view, size_t view_length, const fs_lock *locks, size_t n,
                    fs_result *result);

/* ---- http.c: POST requests, many at a time over kept-alive connections ---- */

typedef struct fs_http fs_http;

typedef struct fs_post {
  const char *url;
  const char *const *headers; /* "Name: value"; NULL comes last */
  const char *body;           /* copied, as all of it */
  size_t body_length;
  long milliseconds; /* from its start to the end of the answer */
} fs_post;

#define FS_HTTP_EXCERPT 512
#define FS_HTTP_SOCKETS 2

typedef struct fs_answer {
  int64_t id;        /* of the request */
  const char *error; /* why there is no answer; NULL: there is one */
  long status;
  int64_t retry_after_s; /* as a number or a date; 0: none, or past */
  const char *body;      /* the beginning of it */
  size_t body_length;
} fs_answer;

fs_http *fs_http_open(const char *ca_file);
void fs_http_close(fs_http *http);
int64_t fs_http_post(fs_http *http, const fs_post *post);
void fs_http_wait(fs_http *http, const int *sockets, unsigned n, double milliseconds);
bool fs_http_take(fs_http *http, fs_answer *answer);
const char *fs_url_origin(const char *text, char **origin, bool *has_secrets);

#pragma GCC visibility pop

#endif
