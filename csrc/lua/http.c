/*
** http.c: core.http, the client that pushes events, and core.hmac_sha256, which signs them.
*/
#include "binding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The client closes once, by close, __close or the collector. */
typedef struct client {
  fs_http *http;
} client;

static fs_http *check_client(lua_State *L) {
  client *c = luaL_checkudata(L, 1, HTTP_TYPE);
  if (c->http == NULL) luaL_error(L, "the client is closed");
  return c->http;
}

/* Text that C can take, which no NUL cuts short. */
static const char *check_string(lua_State *L, int index, int arg) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  luaL_argcheck(L, text != NULL && strlen(text) == length, arg, "text without NUL expected");
  return text;
}

/* ({ca_file=}) */
static int http_client(lua_State *L) {
  static const char *const keys[] = {"ca_file", NULL};
  const char *ca_file = NULL;
  lua_settop(L, 1);
  if (!lua_isnil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    check_keys(L, 1, 0, keys);
    if (lua_getfield(L, 1, "ca_file") != LUA_TNIL) ca_file = check_string(L, -1, 1);
  }
  client *c = lua_newuserdatauv(L, sizeof *c, 0);
  c->http = NULL;
  luaL_setmetatable(L, HTTP_TYPE);
  c->http = fs_http_open(ca_file);
  return c->http != NULL ? 1 : luaL_error(L, "out of memory");
}

static int client_close(lua_State *L) {
  client *c = luaL_checkudata(L, 1, HTTP_TYPE);
  fs_http_close(c->http);
  c->http = NULL;
  return 0;
}

/* Leaves the headers as C wants them in a userdata; their texts stay in the table. */
static const char *const *push_headers(lua_State *L, int table) {
  luaL_checktype(L, table, LUA_TTABLE);
  size_t n = lua_rawlen(L, table);
  const char **headers = lua_newuserdatauv(L, sizeof *headers * (n + 1), 0);
  for (size_t i = 0; i < n; i++) {
    if (lua_rawgeti(L, table, (lua_Integer)i + 1) != LUA_TSTRING) luaL_argerror(L, table, "list of strings expected");
    headers[i] = check_string(L, -1, table);
    luaL_argcheck(L, strpbrk(headers[i], "\r\n") == NULL, table, "a header is one line");
    lua_pop(L, 1);
  }
  headers[n] = NULL;
  return headers;
}

/* (url, headers, body, milliseconds) */
static int client_post(lua_State *L) {
  fs_http *http = check_client(L);
  fs_post post = {0};
  luaL_checktype(L, 2, LUA_TSTRING);
  post.url = check_string(L, 2, 2);
  post.body = luaL_checklstring(L, 4, &post.body_length);
  lua_Integer milliseconds = luaL_checkinteger(L, 5);
  luaL_argcheck(L, milliseconds > 0 && milliseconds <= INT_MAX, 5, "out of range");
  post.milliseconds = (long)milliseconds;
  post.headers = push_headers(L, 3);
  int64_t id = fs_http_post(http, &post);
  if (id == 0) return luaL_error(L, "out of memory");
  lua_pushinteger(L, id);
  return 1;
}

/* (milliseconds, socket...) */
static int client_wait(lua_State *L) {
  fs_http *http = check_client(L);
  double milliseconds = luaL_checknumber(L, 2);
  int sockets[FS_HTTP_SOCKETS], n = lua_gettop(L) - 2;
  luaL_argcheck(L, milliseconds >= 0, 2, "must not be negative");
  luaL_argcheck(L, n <= FS_HTTP_SOCKETS, 3 + FS_HTTP_SOCKETS, "too many sockets");
  for (int i = 0; i < n; i++) sockets[i] = (int)luaL_checkinteger(L, 3 + i);
  fs_http_wait(http, sockets, (unsigned)n, milliseconds);
  return 0;
}

static void push_answer(lua_State *L, const fs_answer *answer) {
  lua_createtable(L, 0, 3);
  if (answer->error != NULL) {
    lua_pushstring(L, answer->error);
    lua_setfield(L, -2, "error");
    return;
  }
  lua_pushinteger(L, answer->status);
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, answer->retry_after_s);
  lua_setfield(L, -2, "retry_after_s");
  lua_pushlstring(L, answer->body, answer->body_length);
  lua_setfield(L, -2, "body");
}

/* Returns the number of the request and the answer, or nothing. */
static int client_take(lua_State *L) {
  fs_answer answer;
  if (!fs_http_take(check_client(L), &answer)) return 0;
  lua_pushinteger(L, answer.id);
  push_answer(L, &answer);
  return 2;
}

static int free_origin(lua_State *L) {
  free(*(char **)lua_touserdata(L, 1));
  return 0;
}

/* (url): what may be shown of it, and whether more of it may be secret; or nil and what is wrong with it */
static int http_origin(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", free_origin}, {NULL, NULL}};
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *url = check_string(L, 1, 1);
  bool has_secrets = false;
  char **origin = lua_newuserdatauv(L, sizeof *origin, 0);
  *origin = NULL;
  luaL_newlib(L, meta);
  lua_setmetatable(L, -2);
  const char *problem = fs_url_origin(url, origin, &has_secrets);
  if (problem != NULL) {
    luaL_pushfail(L);
    lua_pushstring(L, problem);
  } else {
    lua_pushstring(L, *origin);
    lua_pushboolean(L, has_secrets);
  }
  return 2;
}

static int core_hmac_sha256(lua_State *L) {
  unsigned char digest[FS_SHA256_BYTES];
  size_t key_length, length;
  const char *key = luaL_checklstring(L, 1, &key_length);
  const char *text = luaL_checklstring(L, 2, &length);
  fs_hmac_sha256(key, key_length, text, length, digest);
  lua_pushlstring(L, (const char *)digest, sizeof digest);
  return 1;
}

void open_http(lua_State *L, int module) {
  static const luaL_Reg functions[] = {{"client", http_client}, {"origin", http_origin}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", client_close}, {"__close", client_close}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"post", client_post}, {"wait", client_wait}, {"take", client_take}, {"close", client_close}, {NULL, NULL}};
  new_type(L, HTTP_TYPE, meta);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  lua_setfield(L, module, "http");
  lua_pushcfunction(L, core_hmac_sha256);
  lua_setfield(L, module, "hmac_sha256");
}
