/*
** pipeline.c: conn:open_pipeline and conn:close_pipeline, and what exec returns for a write that is sent ahead.
**
** Its rows are a table like any other, but for `affected`, which is waited for when it is read. Until they are answered
** the connection's user value keeps them by place; it is their metatable as well, one for each pipeline.
*/
#include "binding.h"

#include <string.h>

/* Fills in what is known by now. Takes nothing from Lua's heap: a finalizer could send more. */
static void settle(lua_State *L, fs_conn *conn, int pending) {
  luaL_checkstack(L, 4, NULL);
  lua_pushliteral(L, "affected");
  int key = lua_gettop(L);
  for (int place = 1; place <= conn->pipeline.answered; place++) {
    int64_t affected = conn->pipeline.affected[place - 1];
    if (lua_rawgeti(L, pending, place) == LUA_TTABLE && affected >= 0) {
      lua_pushvalue(L, key);
      lua_pushinteger(L, affected);
      lua_rawset(L, -3);
      lua_pushnil(L);
      lua_setmetatable(L, -2);
    }
    lua_pushnil(L);
    lua_rawseti(L, pending, place);
    lua_settop(L, key);
  }
  conn->pipeline.answered = 0;
  lua_pop(L, 1);
}

/* Waits for the rows at stack index 1; raises when the write, or one before it, failed. */
static void wait_for_rows(lua_State *L) {
  fs_conn *conn = lua_touserdata(L, lua_upvalueindex(1));
  if (conn->link != NULL) fs_idle(conn);
  lua_getiuservalue(L, lua_upvalueindex(1), 1);
  settle(L, conn, lua_gettop(L));
  if (!lua_getmetatable(L, 1)) return;
  if (conn->pipeline.failure.error.kind == FS_OK) luaL_error(L, "the write was rolled back");
  push_error(L, &conn->pipeline.failure.error);
  lua_error(L);
}

static int rows_index(lua_State *L) {
  const char *key = lua_tostring(L, 2);
  if (key == NULL || strcmp(key, "affected") != 0) return 0;
  lua_settop(L, 1);
  wait_for_rows(L);
  lua_getfield(L, 1, "affected");
  return 1;
}

static int rows_next(lua_State *L) {
  lua_settop(L, 2);
  return lua_next(L, 1) ? 2 : 0;
}

static int rows_pairs(lua_State *L) {
  lua_settop(L, 1);
  wait_for_rows(L);
  lua_pushcfunction(L, rows_next);
  lua_pushvalue(L, 1);
  return 2;
}

/* Pushes rows before it is known whether their write will be sent ahead: later a finalizer could come in between. */
void push_rows_to_come(lua_State *L, fs_conn *conn) {
  lua_getiuservalue(L, 1, 1);
  if (conn->pipeline.answered > 0) settle(L, conn, lua_gettop(L));
  lua_createtable(L, 0, 2);
  lua_newtable(L);
  lua_setfield(L, -2, "columns");
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
}

int keep_rows_to_come(lua_State *L, int rows, int place) {
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, rows);
  lua_rawseti(L, -2, place);
  lua_pushvalue(L, rows);
  return 1;
}

static void push_metatable(lua_State *L) {
  static const luaL_Reg meta[] = {{"__index", rows_index}, {"__pairs", rows_pairs}, {NULL, NULL}};
  lua_createtable(L, FS_PIPELINE, 2);
  lua_pushvalue(L, 1);
  luaL_setfuncs(L, meta, 1);
}

/* (sql, ...): statements without parameters */
int connection_open_pipeline(lua_State *L) {
  fs_conn *conn = check_connection(L);
  size_t length;
  int n = lua_gettop(L) - 1;
  const char **sql = lua_newuserdatauv(L, sizeof *sql * (size_t)(n + 1), 0);
  for (int i = 0; i < n; i++) sql[i] = check_text(L, i + 2, &length);
  if (conn->pipeline.is_open) luaL_error(L, "open_pipeline: a pipeline is open already");
  push_metatable(L);
  lua_setiuservalue(L, 1, 1);
  fs_open_pipeline(conn, sql, n);
  return 0;
}

int connection_close_pipeline(lua_State *L) {
  fs_conn *conn = check_connection(L);
  fs_result *result = new_result(L);
  bool ok = fs_close_pipeline(conn, result);
  if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) settle(L, conn, lua_gettop(L));
  if (!ok) return push_failure(L, result);
  lua_pushboolean(L, true);
  return 1;
}
