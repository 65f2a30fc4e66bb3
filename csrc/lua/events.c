/*
** events.c: the methods that read events.
*/
#include "binding.h"

#include <string.h>

/* The result's events as a list, or the failure. */
static int push_list(lua_State *L, fs_conn *conn, fs_statement statement, const fs_params *params) {
  fs_result *result = new_result(L);
  bool leased = statement == FS_LEASE_EVENTS;
  if (!fs_run(conn, statement, params, result) || !fs_check_events(result, leased)) return push_failure(L, result);
  push_event_list(L, result->pg);
  fs_result_clear(result);
  return 1;
}

static int32_t check_limit(lua_State *L, int arg) {
  lua_Integer limit = luaL_checkinteger(L, arg);
  luaL_argcheck(L, limit >= 0 && limit <= INT32_MAX, arg, "out of range");
  return (int32_t)limit;
}

int connection_get_last_event(lua_State *L) {
  fs_conn *conn = check_connection(L);
  unsigned char decider_id[FS_UUID_BYTES];
  size_t length;
  check_uuid(L, 2, decider_id);
  const char *decider = check_text(L, 3, &length);
  fs_params params = {0};
  fs_add_bytes(&params, decider_id, FS_UUID_BYTES);
  fs_add_bytes(&params, decider, length);
  fs_result *result = new_result(L);
  if (!fs_run(conn, FS_GET_LAST_EVENT, &params, result) || !fs_check_events(result, false))
    return push_failure(L, result);
  if (PQntuples(result->pg) == 0) {
    lua_pushnil(L);
  } else {
    push_event(L, result->pg, 0);
  }
  fs_result_clear(result);
  return 1;
}

/* Pushes the ids of the list at index as a binary array in a string. */
static const char *push_uuid_array(lua_State *L, int index, size_t *length) {
  lua_Integer n = luaL_len(L, index);
  size_t size = 20 + (size_t)n * (4 + FS_UUID_BYTES);
  char *bytes = lua_newuserdatauv(L, size, 0);
  fs_buffer buffer = {.data = bytes, .size = size}; /* large enough: it never grows */
  fs_put_array(&buffer, FS_OID_UUID, (size_t)n);
  for (lua_Integer i = 1; i <= n; i++) {
    unsigned char uuid[FS_UUID_BYTES];
    lua_rawgeti(L, index, i);
    field_uuid(L, -1, i, "decider_id", uuid);
    lua_pop(L, 1);
    fs_put_item(&buffer, uuid, FS_UUID_BYTES);
  }
  *length = buffer.used;
  return bytes;
}

int connection_get_streams(lua_State *L) {
  fs_conn *conn = check_connection(L);
  size_t decider_length, ids_length;
  const char *decider = check_text(L, 2, &decider_length);
  luaL_checktype(L, 3, LUA_TTABLE);
  int32_t limit = lua_isnoneornil(L, 4) ? -1 : check_limit(L, 4);
  const char *ids = push_uuid_array(L, 3, &ids_length);
  fs_params params = {0};
  fs_add_bytes(&params, ids, ids_length);
  fs_add_bytes(&params, decider, decider_length);
  if (limit < 0) {
    fs_add_null(&params);
  } else {
    fs_add_int4(&params, limit);
  }
  return push_list(L, conn, FS_GET_STREAMS, &params);
}

/* Adds the text at key of the table, or NULL. The table keeps the text alive. */
static void add_optional_text(lua_State *L, int table, const char *key, fs_params *params) {
  if (lua_getfield(L, table, key) == LUA_TNIL) {
    fs_add_null(params);
  } else {
    size_t length;
    const char *text = field_text(L, -1, 0, key, &length);
    fs_add_bytes(params, text, length);
  }
  lua_pop(L, 1);
}

/* (filter) with after, limit, decider, decider_id; all optional */
int connection_read_events(lua_State *L) {
  static const char *const keys[] = {"after", "limit", "decider", "decider_id", NULL};
  fs_conn *conn = check_connection(L);
  unsigned char decider_id[FS_UUID_BYTES];
  fs_params params = {0};
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TTABLE);
  check_keys(L, 2, 0, keys);
  fs_add_int8(&params, lua_getfield(L, 2, "after") == LUA_TNIL ? 0 : field_integer(L, -1, 0, "after"));
  if (lua_getfield(L, 2, "limit") == LUA_TNIL) {
    fs_add_null(&params);
  } else {
    lua_Integer limit = field_integer(L, -1, 0, "limit");
    if (limit < 0 || limit > INT32_MAX) wrong_field(L, 0, "limit", "out of range");
    fs_add_int4(&params, (int32_t)limit);
  }
  add_optional_text(L, 2, "decider", &params);
  if (lua_getfield(L, 2, "decider_id") == LUA_TNIL) {
    fs_add_null(&params);
  } else {
    field_uuid(L, -1, 0, "decider_id", decider_id);
    fs_add_bytes(&params, decider_id, FS_UUID_BYTES);
  }
  return push_list(L, conn, FS_READ_EVENTS, &params);
}

/* (view, {limit=, seconds=, holder=}); the last is for lease_events alone. */
static int read_view(lua_State *L, fs_statement statement, int32_t default_limit) {
  static const char *const keys[] = {"limit", "seconds", "holder", NULL};
  static const char *const stream_keys[] = {"limit", "seconds", NULL};
  bool leases = statement == FS_LEASE_EVENTS;
  fs_conn *conn = check_connection(L);
  size_t length;
  const char *view = check_text(L, 2, &length);
  fs_params params = {0};
  fs_add_bytes(&params, view, length);
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) {
    lua_newtable(L);
    lua_replace(L, 3);
  }
  luaL_checktype(L, 3, LUA_TTABLE);
  check_keys(L, 3, 0, leases ? keys : stream_keys);
  for (int i = 0; i < (leases ? 3 : 2); i++) {
    if (lua_getfield(L, 3, keys[i]) != LUA_TNIL) {
      lua_Integer value = field_integer(L, -1, 0, keys[i]);
      if (value < 0 || value > INT32_MAX) wrong_field(L, 0, keys[i], "out of range");
      fs_add_int4(&params, (int32_t)value);
    } else if (i == 0) {
      fs_add_int4(&params, default_limit);
    } else {
      fs_add_null(&params);
    }
  }
  return push_list(L, conn, statement, &params);
}

int connection_stream_events(lua_State *L) { return read_view(L, FS_STREAM_EVENTS, 1); }

int connection_lease_events(lua_State *L) { return read_view(L, FS_LEASE_EVENTS, 100); }
