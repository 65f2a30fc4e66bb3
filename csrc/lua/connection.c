/*
** connection.c: core.connect and the methods of a connection that are about the connection itself.
*/
#include "binding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fs_conn *check_connection(lua_State *L) {
  fs_conn *conn = luaL_checkudata(L, 1, CONNECTION_TYPE);
  if (conn->link == NULL) luaL_error(L, "the connection is closed");
  return conn;
}

/* Ours come last: they win over what the caller's connection string says. */
static const char *const own_keywords[] = {"client_encoding", "fallback_application_name", NULL};
static const char *const own_values[] = {"UTF8", "fstore-lua", NULL};

enum { OWN_KEYWORDS = 2 };

/* These come first, so that the caller may say otherwise: a host that is gone without a word is noticed in a minute. */
static const char *const network_keywords[] = {"keepalives_idle", "keepalives_interval", "keepalives_count",
                                               "tcp_user_timeout", "connect_timeout"};
static const char *const network_values[] = {"30", "10", "3", "60000", "10"};

enum { NETWORK_KEYWORDS = 5 };

/* How many pairs there are; each must be text, numbers (a port) included, which are turned into text in place. */
static size_t check_keywords(lua_State *L, int table) {
  size_t n = 0, length;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_argerror(L, table, "keywords must be strings");
    if (lua_type(L, -1) == LUA_TNUMBER) {
      lua_pushvalue(L, -2);
      lua_pushvalue(L, -2);
      lua_tostring(L, -1);
      lua_rawset(L, table);
      continue;
    }
    field_text(L, -1, 0, lua_tostring(L, -2), &length);
  }
  return n;
}

/* Pushes a copy of the table at index. */
static void push_copy(lua_State *L, int index) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
  }
}

/* Leaves the list of keywords and that of values, as libpq wants them, in one userdata; what they name stays in copy.
 */
static const char **push_keywords(lua_State *L, int copy, size_t *n) {
  size_t i = NETWORK_KEYWORDS - (getenv("PGCONNECT_TIMEOUT") != NULL); /* which the last of them would overrule */
  *n = check_keywords(L, copy) + NETWORK_KEYWORDS + OWN_KEYWORDS + 1;
  const char **lists = lua_newuserdatauv(L, sizeof *lists * *n * 2, 0);
  memcpy(lists, network_keywords, sizeof network_keywords);
  memcpy(lists + *n, network_values, sizeof network_values);
  for (lua_pushnil(L); lua_next(L, copy); lua_pop(L, 1), i++) {
    lists[i] = lua_tostring(L, -2);
    lists[*n + i] = lua_tostring(L, -1);
  }
  memcpy(lists + i, own_keywords, sizeof own_keywords);
  memcpy(lists + *n + i, own_values, sizeof own_values);
  return lists;
}

static const char *schema_option(lua_State *L, int options) {
  static const char *const keys[] = {"schema", NULL};
  size_t length;
  if (lua_isnil(L, options)) return "fstore";
  luaL_checktype(L, options, LUA_TTABLE);
  check_keys(L, options, 0, keys);
  return lua_getfield(L, options, "schema") == LUA_TNIL ? "fstore" : field_text(L, -1, 0, "schema", &length);
}

/* The connection string is a table too: {dbname = string}. */
static void push_conninfo(lua_State *L) {
  if (lua_istable(L, 1)) {
    push_copy(L, 1);
    return;
  }
  size_t length;
  check_text(L, 1, &length);
  lua_newtable(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "dbname");
}

static int core_connect(lua_State *L) {
  lua_settop(L, 2);
  const char *schema = schema_option(L, 2);
  push_conninfo(L);
  size_t n;
  const char **lists = push_keywords(L, lua_gettop(L), &n);
  fs_result *result = new_result(L);
  fs_conn *conn = lua_newuserdatauv(L, sizeof *conn, 1);
  *conn = (fs_conn){0};
  luaL_setmetatable(L, CONNECTION_TYPE);
  if (!fs_connect(conn, lists, lists + n, schema, result)) return push_failure(L, result);
  return 1;
}

static int connection_close(lua_State *L) {
  fs_close(luaL_checkudata(L, 1, CONNECTION_TYPE));
  return 0;
}

static int connection_schema(lua_State *L) {
  lua_pushstring(L, check_connection(L)->schema);
  return 1;
}

static int connection_status(lua_State *L) {
  lua_pushstring(L, fs_status(luaL_checkudata(L, 1, CONNECTION_TYPE)));
  return 1;
}

static int connection_socket(lua_State *L) {
  lua_pushinteger(L, PQsocket(check_connection(L)->link));
  return 1;
}

static int connection_server_version(lua_State *L) {
  lua_pushinteger(L, PQserverVersion(check_connection(L)->link));
  return 1;
}

static int connection_backend_pid(lua_State *L) {
  lua_pushinteger(L, PQbackendPID(check_connection(L)->link));
  return 1;
}

static int connection_wait(lua_State *L) {
  fs_conn *conn = check_connection(L);
  double milliseconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, milliseconds >= 0, 2, "must not be negative");
  fs_result *result = new_result(L);
  fs_wait answer = fs_wait_notification(conn, milliseconds, result);
  if (answer == FS_WAIT_FAILED) return push_failure(L, result);
  lua_pushboolean(L, answer == FS_WAIT_NOTIFIED);
  if (answer != FS_WAIT_INTERRUPTED) return 1;
  lua_pushliteral(L, "interrupted");
  return 2;
}

static int connection_tostring(lua_State *L) {
  fs_conn *conn = luaL_checkudata(L, 1, CONNECTION_TYPE);
  lua_pushfstring(L, CONNECTION_TYPE " (%s)", fs_status(conn));
  return 1;
}

void open_connection(lua_State *L, int module) {
  static const luaL_Reg meta[] = {
      {"__gc", connection_close}, {"__close", connection_close}, {"__tostring", connection_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"close", connection_close},
      {"schema", connection_schema},
      {"status", connection_status},
      {"socket", connection_socket},
      {"server_version", connection_server_version},
      {"backend_pid", connection_backend_pid},
      {"wait", connection_wait},
      {"exec", connection_exec},
      {"open_pipeline", connection_open_pipeline},
      {"close_pipeline", connection_close_pipeline},
      {"within", connection_within},
      {"append_events", connection_append_events},
      {"get_events", connection_get_events},
      {"get_streams", connection_get_streams},
      {"get_last_event", connection_get_last_event},
      {"read_events", connection_read_events},
      {"register_decider_event", connection_register_decider_event},
      {"register_view", connection_register_view},
      {"stream_events", connection_stream_events},
      {"lease_events", connection_lease_events},
      {"ack_event", connection_ack_event},
      {"nack_event", connection_nack_event},
      {"schedule_nack_event", connection_schedule_nack_event},
      {"ack_events", connection_ack_events},
      {"nack_events", connection_nack_events},
      {NULL, NULL},
  };
  new_type(L, CONNECTION_TYPE, meta);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, core_connect);
  lua_setfield(L, module, "connect");
}
