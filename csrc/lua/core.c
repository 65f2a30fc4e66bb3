/*
** core.c: the module fstore.core.
*/
#include "binding.h"

#define FSTORE_VERSION "0.1.0"

__attribute__((visibility("default"))) int luaopen_fstore_core(lua_State *L);

/*
** Calls body(context, arguments...) so that it may raise while we own memory; the arguments are at the top. Takes
** nothing from Lua's heap before the call. Returns the status for the caller to free what it owns, then lua_error.
*/
int protect(lua_State *L, lua_CFunction body, void *context, int n_args, int n_results) {
  lua_pushcfunction(L, body);
  lua_insert(L, -1 - n_args);
  lua_pushlightuserdata(L, context);
  lua_insert(L, -1 - n_args);
  return lua_pcall(L, n_args + 1, n_results, 0);
}

/* Makes the metatable of a type and leaves it on the stack. */
void new_type(lua_State *L, const char *name, const luaL_Reg *meta) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, meta, 0);
}

int luaopen_fstore_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  int module = lua_gettop(L);
  open_error(L, module);
  open_result(L);
  open_json(L, module);
  open_uuid(L, module);
  open_event(L, module);
  open_partitions(L, module);
  open_stream(L);
  open_http(L, module);
  open_connection(L, module);
  open_systemd(L, module);
  lua_pushliteral(L, FSTORE_VERSION);
  lua_setfield(L, module, "version");
  lua_settop(L, module);
  return 1;
}
