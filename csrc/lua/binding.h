/*
** binding.h: what the files of the upper floor share. They check arguments, call the ground floor, push results.
*/
#ifndef FSTORE_BINDING_H
#define FSTORE_BINDING_H

#include "../fstore.h"

#include <lauxlib.h>
#include <lua.h>

#pragma GCC visibility push(hidden)

/* Metatables in the registry. */
#define CONNECTION_TYPE "fstore.connection"
#define RESULT_TYPE "fstore.result"
#define EVENT_TYPE "fstore.event"
#define STREAM_TYPE "fstore.stream"
#define ERROR_TYPE "fstore.error"
#define HTTP_TYPE "fstore.http"
#define JSON_ARRAY_TYPE "fstore.json.array"
#define JSON_NULL_TYPE "fstore.json.null"
#define JSON_VALUE_TYPE "fstore.json.value"

/* core.c: openers push nothing unless said; each sets up one concept. */
void open_error(lua_State *L, int module);
void open_result(lua_State *L);
void open_event(lua_State *L, int module);
void open_partitions(lua_State *L, int module);
void open_json(lua_State *L, int module);
void open_uuid(lua_State *L, int module);
void open_http(lua_State *L, int module);
void open_connection(lua_State *L, int module);
void open_systemd(lua_State *L, int module);
void open_stream(lua_State *L);
int protect(lua_State *L, lua_CFunction body, void *context, int n_args, int n_results);
void new_type(lua_State *L, const char *name, const luaL_Reg *meta);

/* check.c: arguments, and fields of the items of a list (or of a table alone: item 0), which are at a stack index. */
const char *check_text(lua_State *L, int arg, size_t *length);
void check_uuid(lua_State *L, int arg, unsigned char uuid[FS_UUID_BYTES]);
void check_keys(lua_State *L, int table, lua_Integer item, const char *const *keys);
const char *field_text(lua_State *L, int index, lua_Integer item, const char *key, size_t *length);
void field_uuid(lua_State *L, int index, lua_Integer item, const char *key, unsigned char uuid[FS_UUID_BYTES]);
lua_Integer field_integer(lua_State *L, int index, lua_Integer item, const char *key);
bool field_boolean(lua_State *L, int index, lua_Integer item, const char *key);
int wrong_field(lua_State *L, lua_Integer item, const char *key, const char *problem);

/* error.c, result.c */
int push_failure(lua_State *L, const fs_result *result);
void push_error(lua_State *L, const fs_error *error);
fs_result *new_result(lua_State *L);
bool push_rows(lua_State *L, fs_result *result);
bool push_first_row(lua_State *L, fs_result *result);

/* pipeline.c: the rows of a write that was sent ahead */
void push_rows_to_come(lua_State *L, fs_conn *conn);
int keep_rows_to_come(lua_State *L, int rows, int place);

/* connection.c and the methods of connections in other files */
fs_conn *check_connection(lua_State *L);
int connection_exec(lua_State *L);
int connection_open_pipeline(lua_State *L);
int connection_close_pipeline(lua_State *L);
int connection_within(lua_State *L);
int connection_append_events(lua_State *L);
int connection_get_events(lua_State *L);
int connection_get_streams(lua_State *L);
int connection_get_last_event(lua_State *L);
int connection_read_events(lua_State *L);
int connection_register_decider_event(lua_State *L);
int connection_register_view(lua_State *L);
int connection_stream_events(lua_State *L);
int connection_lease_events(lua_State *L);
int connection_ack_event(lua_State *L);
int connection_nack_event(lua_State *L);
int connection_schedule_nack_event(lua_State *L);
int connection_ack_events(lua_State *L);
int connection_nack_events(lua_State *L);

/* event.c */
fs_event *new_event(lua_State *L, size_t size);
void push_event(lua_State *L, const PGresult *pg, int row);
void push_event_list(lua_State *L, const PGresult *pg);
void put_event_json(fs_buffer *buffer, const fs_event *event);
void push_uuid(lua_State *L, const unsigned char uuid[FS_UUID_BYTES]);

/* json_encode.c, json_decode.c, json.c */
void push_null(lua_State *L);
bool is_array(lua_State *L, int index);
void push_json_text(lua_State *L, int index, lua_Integer item, const char *root);
void put_json_string(fs_buffer *buffer, const char *text, size_t length);
bool push_json(lua_State *L, const char *text, size_t length);

#pragma GCC visibility pop

#endif
