/*
** json.c: core.json: null, arrays, and values that are meant as JSON.
*/
#include "binding.h"

static const char null_key; /* its address is the null's place in the registry */

void push_null(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &null_key); }

static int null_tostring(lua_State *L) {
  lua_pushliteral(L, "null");
  return 1;
}

static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  push_json_text(L, 1, 0, "value");
  return 1;
}

static int json_decode(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  if (push_json(L, text, length)) return 1;
  luaL_pushfail(L);
  lua_insert(L, -2);
  return 2;
}

static int json_array(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_setmetatable(L, JSON_ARRAY_TYPE);
  return 1;
}

/* Whether the table is marked as an array. */
bool is_array(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, JSON_ARRAY_TYPE);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static int json_is_array(lua_State *L) {
  lua_pushboolean(L, lua_istable(L, 1) && is_array(L, 1));
  return 1;
}

static int json_value(lua_State *L) {
  luaL_checkany(L, 1);
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, JSON_VALUE_TYPE);
  push_json_text(L, 1, 0, "value");
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static int value_tostring(lua_State *L) {
  luaL_checkudata(L, 1, JSON_VALUE_TYPE);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static void make_null(lua_State *L) {
  static const luaL_Reg meta[] = {{"__tostring", null_tostring}, {NULL, NULL}};
  lua_newuserdatauv(L, 0, 0);
  new_type(L, JSON_NULL_TYPE, meta);
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &null_key);
}

void open_json(lua_State *L, int module) {
  static const luaL_Reg functions[] = {{"encode", json_encode}, {"decode", json_decode},     {"array", json_array},
                                       {"value", json_value},   {"is_array", json_is_array}, {NULL, NULL}};
  static const luaL_Reg array_meta[] = {{NULL, NULL}};
  static const luaL_Reg value_meta[] = {{"__tostring", value_tostring}, {NULL, NULL}};
  new_type(L, JSON_ARRAY_TYPE, array_meta);
  new_type(L, JSON_VALUE_TYPE, value_meta);
  make_null(L);
  luaL_newlib(L, functions);
  push_null(L);
  lua_setfield(L, -2, "null");
  lua_setfield(L, module, "json");
}
