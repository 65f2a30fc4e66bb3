/*
** views.c: the methods that register deciders' events and views, and give leases back.
*/
#include "binding.h"

#include <string.h>

/* The first row of the result, or the failure. */
static int push_row_of(lua_State *L, fs_conn *conn, fs_statement statement, const fs_params *params) {
  fs_result *result = new_result(L);
  if (!fs_run(conn, statement, params, result) || !push_first_row(L, result)) return push_failure(L, result);
  fs_result_clear(result);
  return 1;
}

/* Text arguments live on the stack, so that the parameters may refer to them. */
static void add_text(lua_State *L, int arg, fs_params *params) {
  size_t length;
  const char *text = check_text(L, arg, &length);
  fs_add_bytes(params, text, length);
}

static void add_optional_integer(lua_State *L, int arg, fs_params *params) {
  if (lua_isnoneornil(L, arg)) {
    fs_add_null(params);
  } else {
    fs_add_int8(params, luaL_checkinteger(L, arg));
  }
}

int connection_register_decider_event(lua_State *L) {
  fs_conn *conn = check_connection(L);
  fs_params params = {0};
  for (int arg = 2; arg <= 4; arg++) add_text(L, arg, &params);
  fs_add_int8(&params, luaL_optinteger(L, 5, 1));
  fs_result *result = new_result(L);
  if (!fs_run(conn, FS_REGISTER_DECIDER_EVENT, &params, result)) return push_failure(L, result);
  fs_result_clear(result);
  lua_pushboolean(L, true);
  return 1;
}

static void add_text_field(lua_State *L, const char *key, bool needed, fs_params *params) {
  size_t length;
  if (lua_getfield(L, 2, key) == LUA_TNIL && !needed) {
    fs_add_null(params);
    return;
  }
  const char *text = field_text(L, -1, 0, key, &length);
  fs_add_bytes(params, text, length);
}

static void add_integer_field(lua_State *L, const char *key, fs_params *params) {
  if (lua_getfield(L, 2, key) == LUA_TNIL) {
    fs_add_null(params);
  } else {
    fs_add_int8(params, field_integer(L, -1, 0, key));
  }
}

/* (registration, fill): without fill the locks of a new view are left to fill_view */
int connection_register_view(lua_State *L) {
  static const char *const keys[] = {
      "view", "start_at", "lock_timeout_s", "pooling_delay_s", "edge_function_url", "max_attempts", NULL};
  fs_conn *conn = check_connection(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  check_keys(L, 2, 0, keys);
  fs_params params = {0};
  add_text_field(L, "view", true, &params);
  add_text_field(L, "start_at", false, &params);
  add_integer_field(L, "lock_timeout_s", &params);
  add_integer_field(L, "pooling_delay_s", &params);
  add_text_field(L, "edge_function_url", false, &params);
  fs_add_bool(&params, lua_isnoneornil(L, 3) || lua_toboolean(L, 3));
  add_integer_field(L, "max_attempts", &params);
  return push_row_of(L, conn, FS_REGISTER_VIEW, &params);
}

/* (view, decider_id, …): what follows are integers, the token last. */
static int give_back(lua_State *L, fs_statement statement, int needed) {
  fs_conn *conn = check_connection(L);
  unsigned char decider_id[FS_UUID_BYTES];
  fs_params params = {0};
  add_text(L, 2, &params);
  check_uuid(L, 3, decider_id);
  fs_add_bytes(&params, decider_id, FS_UUID_BYTES);
  for (int arg = 4; arg < 4 + needed; arg++) fs_add_int8(&params, luaL_checkinteger(L, arg));
  add_optional_integer(L, 4 + needed, &params);
  return push_row_of(L, conn, statement, &params);
}

int connection_ack_event(lua_State *L) { return give_back(L, FS_ACK_EVENT, 1); }

int connection_nack_event(lua_State *L) { return give_back(L, FS_NACK_EVENT, 0); }

int connection_schedule_nack_event(lua_State *L) { return give_back(L, FS_SCHEDULE_NACK_EVENT, 1); }

/* ---- Many at once: the items are tables, or the leased events themselves ---- */

static bool optional_integer(lua_State *L, lua_Integer i, const char *key, int64_t *value) {
  bool given = lua_getfield(L, -1, key) != LUA_TNIL;
  if (given) *value = field_integer(L, -1, i, key);
  lua_settop(L, 5);
  return given;
}

/* Reads the item at the top of the stack, which is at 5: connection, view, list, locks, item. */
static void read_event(lua_State *L, fs_lock *lock) {
  const fs_event *event = lua_touserdata(L, 5);
  memcpy(lock->decider_id, event->decider_id, FS_UUID_BYTES);
  lock->offset = event->offset;
  lock->has_token = event->leased;
  lock->token = event->token;
}

static void read_lock(lua_State *L, lua_Integer i, fs_lock *lock) {
  lua_getfield(L, 5, "decider_id");
  field_uuid(L, -1, i, "decider_id", lock->decider_id);
  lua_settop(L, 5);
  lock->has_token = optional_integer(L, i, "token", &lock->token);
}

static void read_ack(lua_State *L, lua_Integer i, fs_lock *lock) {
  read_lock(L, i, lock);
  if (!optional_integer(L, i, "offset", &lock->offset)) wrong_field(L, i, "offset", "integer expected, got nothing");
}

/* The error's text is referenced: it lives in the item, which lives in the list. */
static void read_nack(lua_State *L, lua_Integer i, fs_lock *lock) {
  read_lock(L, i, lock);
  lock->has_milliseconds = optional_integer(L, i, "milliseconds", &lock->milliseconds);
  if (lua_getfield(L, 5, "error") != LUA_TNIL) lock->error = field_text(L, -1, i, "error", &lock->error_length);
  lua_settop(L, 5);
}

typedef void read_function(lua_State *L, lua_Integer i, fs_lock *lock);

static void read_item(lua_State *L, lua_Integer i, const char *const *keys, read_function *read, fs_lock *lock) {
  lua_rawgeti(L, 3, i);
  if (luaL_testudata(L, 5, EVENT_TYPE)) {
    read_event(L, lock);
    return;
  }
  if (!lua_istable(L, 5)) luaL_error(L, "item %I: event or table expected", (LUAI_UACINT)i);
  check_keys(L, 5, i, keys);
  lua_settop(L, 5);
  read(L, i, lock);
}

typedef bool run_function(fs_conn *conn, const char *view, size_t view_length, const fs_lock *locks, size_t n,
                          fs_result *result);

static int give_back_many(lua_State *L, const char *const *keys, read_function *read, run_function *run) {
  fs_conn *conn = check_connection(L);
  size_t length;
  const char *view = check_text(L, 2, &length);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 3);
  fs_lock *locks = lua_newuserdatauv(L, sizeof *locks * (size_t)(n + 1), 0);
  for (lua_Integer i = 1; i <= n; i++) {
    locks[i - 1] = (fs_lock){0};
    read_item(L, i, keys, read, &locks[i - 1]);
    lua_settop(L, 4);
  }
  fs_result *result = new_result(L);
  if (!run(conn, view, length, locks, (size_t)n, result)) return push_failure(L, result);
  lua_pushinteger(L, fs_load_int8(PQgetvalue(result->pg, 0, 0)));
  fs_result_clear(result);
  return 1;
}

int connection_ack_events(lua_State *L) {
  static const char *const keys[] = {"decider_id", "offset", "token", NULL};
  return give_back_many(L, keys, read_ack, fs_ack_events);
}

int connection_nack_events(lua_State *L) {
  static const char *const keys[] = {"decider_id", "token", "milliseconds", "error", NULL};
  return give_back_many(L, keys, read_nack, fs_nack_events);
}
