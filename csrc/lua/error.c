/*
** error.c: what the world did wrong, as a Lua table.
*/
#include "binding.h"

static void set_text(lua_State *L, const char *key, const char *text) {
  if (text == NULL) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

void push_error(lua_State *L, const fs_error *error) {
  lua_createtable(L, 0, 6);
  set_text(L, "kind", fs_kind_name(error->kind));
  set_text(L, "sqlstate", error->sqlstate[0] != '\0' ? error->sqlstate : NULL);
  set_text(L, "message", error->message);
  set_text(L, "detail", error->detail);
  set_text(L, "hint", error->hint);
  set_text(L, "constraint", error->constraint);
  luaL_setmetatable(L, ERROR_TYPE);
}

int push_failure(lua_State *L, const fs_result *result) {
  luaL_pushfail(L);
  push_error(L, &result->error);
  return 2;
}

static void add_part(lua_State *L, luaL_Buffer *buffer, const char *key) {
  if (lua_getfield(L, 1, key) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pushfstring(L, "\n  %s: %s", key, luaL_tolstring(L, -1, NULL));
  lua_replace(L, -3);
  lua_pop(L, 1);
  luaL_addvalue(buffer);
}

static int error_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  lua_getfield(L, 1, "message");
  luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  luaL_addvalue(&buffer);
  add_part(L, &buffer, "detail");
  add_part(L, &buffer, "hint");
  luaL_pushresult(&buffer);
  return 1;
}

void open_error(lua_State *L, int module) {
  static const luaL_Reg meta[] = {{"__tostring", error_tostring}, {NULL, NULL}};
  new_type(L, ERROR_TYPE, meta);
  lua_setfield(L, module, "error_metatable");
}
