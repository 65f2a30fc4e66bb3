/*
** exec.c: conn:exec, any SQL with any parameters.
*/
#include "binding.h"

static const char *format_number(lua_State *L, int arg) {
  char text[FS_NUMBER_TEXT];
  if (lua_isinteger(L, arg)) return lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, arg));
  int length = fs_format_double(lua_tonumber(L, arg), text);
  return lua_pushlstring(L, text, (size_t)length);
}

static const char *userdata_param(lua_State *L, int arg) {
  if (luaL_testudata(L, arg, JSON_NULL_TYPE)) return NULL;
  if (!luaL_testudata(L, arg, JSON_VALUE_TYPE)) luaL_typeerror(L, arg, "value for the database");
  lua_getiuservalue(L, arg, 1);
  return lua_tostring(L, -1);
}

/* The parameter as text, NULL for null. What it is made of stays on the stack until the command is done. */
static const char *check_param(lua_State *L, int arg) {
  size_t length;
  luaL_checkstack(L, 4, "too many parameters");
  switch (lua_type(L, arg)) {
    case LUA_TNIL: return NULL;
    case LUA_TBOOLEAN: return lua_toboolean(L, arg) ? "t" : "f";
    case LUA_TNUMBER: return format_number(L, arg);
    case LUA_TSTRING: return check_text(L, arg, &length);
    case LUA_TUSERDATA: return userdata_param(L, arg);
    case LUA_TTABLE: luaL_argerror(L, arg, "a table must be wrapped in json.value"); return NULL;
    default: luaL_typeerror(L, arg, "value for the database"); return NULL;
  }
}

int connection_exec(lua_State *L) {
  fs_conn *conn = check_connection(L);
  size_t length;
  const char *sql = check_text(L, 2, &length);
  int n = lua_gettop(L) - 2;
  const char **values = lua_newuserdatauv(L, sizeof *values * (size_t)(n + 1), 0);
  for (int i = 0; i < n; i++) values[i] = check_param(L, i + 3);
  bool may_send_ahead = n > 0 && conn->pipeline.is_open;
  if (may_send_ahead) push_rows_to_come(L, conn);
  int rows = lua_gettop(L);
  fs_result *result = new_result(L);
  bool ok = n == 0 ? fs_exec(conn, sql, result) : fs_exec_params(conn, sql, n, values, result);
  if (ok && result->place > 0) return keep_rows_to_come(L, rows, result->place);
  luaL_checkstack(L, 8, NULL);
  if (!ok || !push_rows(L, result)) return push_failure(L, result);
  fs_result_clear(result);
  return 1;
}
