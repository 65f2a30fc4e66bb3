/*
** A Lua interpreter to link a sanitizer's runtime into: preloading the runtime would reach every child process too.
** Takes what the specs and the launcher use:  lua5.4 [-e CODE]… [SCRIPT [ARGUMENT]…]
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* the global `arg`: the script at 0, its arguments from 1 on, all that came before at negative indices */
static void set_arg(lua_State *L, char **argv, int argc, int script) {
  lua_createtable(L, argc - script, script);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

/* the chunk on the top, called with `count` of argv's strings */
static int call(lua_State *L, char **argv, int count) {
  int handler = lua_gettop(L);
  lua_pushcfunction(L, traceback);
  lua_insert(L, handler);
  luaL_checkstack(L, count, "too many arguments");
  for (int i = 0; i < count; i++) lua_pushstring(L, argv[i]);
  int status = lua_pcall(L, count, 0, handler);
  lua_remove(L, handler);
  return status;
}

static int run(lua_State *L, int argc, char **argv) {
  int at = 1;
  while (at + 1 < argc && strcmp(argv[at], "-e") == 0) at += 2;
  set_arg(L, argv, argc, at);
  for (int i = 2; i < at; i += 2) {
    int status = luaL_loadbuffer(L, argv[i], strlen(argv[i]), "=(command line)");
    if (status != LUA_OK || (status = call(L, NULL, 0)) != LUA_OK) return status;
  }
  if (at == argc) return LUA_OK;
  int status = luaL_loadfile(L, strcmp(argv[at], "-") == 0 ? NULL : argv[at]);
  return status == LUA_OK ? call(L, argv + at + 1, argc - at - 1) : status;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (L == NULL) return EXIT_FAILURE;
  luaL_openlibs(L);
  int status = run(L, argc, argv);
  if (status != LUA_OK) fprintf(stderr, "%s: %s\n", argv[0], lua_tostring(L, -1));
  lua_close(L);
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
