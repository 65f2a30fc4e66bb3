/*
** result.c: the owner of a libpq result while its rows are pushed, and rows as tables.
*/
#include "binding.h"

#include <stdlib.h>

static int result_gc(lua_State *L) {
  fs_result_clear(luaL_checkudata(L, 1, RESULT_TYPE));
  return 0;
}

/* Pushes an empty slot. Cleared as soon as its rows are pushed, and by the collector when a raise comes before. */
fs_result *new_result(lua_State *L) {
  fs_result *result = lua_newuserdatauv(L, sizeof *result, 0);
  *result = (fs_result){0};
  luaL_setmetatable(L, RESULT_TYPE);
  return result;
}

static int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static void push_hex_bytes(lua_State *L, const char *text, size_t length) {
  luaL_Buffer buffer;
  char *bytes = luaL_buffinitsize(L, &buffer, length / 2);
  for (size_t i = 0; i < length / 2; i++) bytes[i] = (char)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
  luaL_pushresultsize(&buffer, length / 2);
}

/* The older form, for a session that has bytea_output = escape: \\ and three octal digits. */
static void push_escaped_bytes(lua_State *L, const char *text, size_t length) {
  luaL_Buffer buffer;
  char *bytes = luaL_buffinitsize(L, &buffer, length);
  size_t n = 0;
  for (size_t i = 0; i < length; n++) {
    if (text[i] != '\\') {
      bytes[n] = text[i++];
    } else if (text[i + 1] == '\\') {
      bytes[n] = '\\', i += 2;
    } else {
      bytes[n] = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0')), i += 4;
    }
  }
  luaL_pushresultsize(&buffer, n);
}

static void push_bytea(lua_State *L, const char *text, size_t length) {
  if (length >= 2 && text[0] == '\\' && text[1] == 'x') {
    push_hex_bytes(L, text + 2, length - 2);
  } else {
    push_escaped_bytes(L, text, length);
  }
}

static void push_double(lua_State *L, const char *text, size_t length) {
  double value = 0;
  fs_parse_double(text, length, &value);
  lua_pushnumber(L, value);
}

/* A number past all limits fails the result: it is data, not a mistake. */
static bool push_json_column(lua_State *L, fs_result *result, int column, const char *text, size_t length) {
  if (push_json(L, text, length)) return true;
  lua_pushfstring(L, "column %s: %s; cast it to text to read it", PQfname(result->pg, column), lua_tostring(L, -1));
  return fs_fail(result, FS_INVALID, lua_tostring(L, -1));
}

static bool push_column(lua_State *L, fs_result *result, int row, int column) {
  const char *text = PQgetvalue(result->pg, row, column);
  size_t length = (size_t)PQgetlength(result->pg, row, column);
  switch (PQftype(result->pg, column)) {
    case FS_OID_BOOL: lua_pushboolean(L, text[0] == 't'); break;
    case FS_OID_INT2:
    case FS_OID_INT4:
    case FS_OID_INT8: lua_pushinteger(L, strtoll(text, NULL, 10)); break;
    case FS_OID_FLOAT4:
    case FS_OID_FLOAT8: push_double(L, text, length); break;
    case FS_OID_JSON:
    case FS_OID_JSONB: return push_json_column(L, result, column, text, length);
    case FS_OID_BYTEA: push_bytea(L, text, length); break;
    default: lua_pushlstring(L, text, length);
  }
  return true;
}

static bool push_row(lua_State *L, fs_result *result, int row, int columns) {
  int n = PQnfields(result->pg);
  lua_createtable(L, 0, n);
  for (int column = 0; column < n; column++) {
    if (PQgetisnull(result->pg, row, column)) continue;
    lua_rawgeti(L, columns, column + 1);
    if (!push_column(L, result, row, column)) return false;
    lua_rawset(L, -3);
  }
  return true;
}

static void push_columns(lua_State *L, const PGresult *pg) {
  int n = PQnfields(pg);
  lua_createtable(L, n, 0);
  for (int column = 0; column < n; column++) {
    lua_pushstring(L, PQfname(pg, column));
    lua_rawseti(L, -2, column + 1);
  }
}

/* An array of rows by column name, with the fields affected and columns. NULL is an absent column. */
bool push_rows(lua_State *L, fs_result *result) {
  int n = PQntuples(result->pg);
  lua_createtable(L, n, 2);
  int rows = lua_gettop(L);
  push_columns(L, result->pg);
  for (int row = 0; row < n; row++) {
    if (!push_row(L, result, row, rows + 1)) return false;
    lua_rawseti(L, rows, row + 1);
  }
  lua_setfield(L, rows, "columns");
  lua_pushinteger(L, strtoll(PQcmdTuples(result->pg), NULL, 10));
  lua_setfield(L, rows, "affected");
  return true;
}

/* The first row alone; nil when there is none. */
bool push_first_row(lua_State *L, fs_result *result) {
  if (PQntuples(result->pg) == 0) {
    lua_pushnil(L);
    return true;
  }
  push_columns(L, result->pg);
  return push_row(L, result, 0, lua_gettop(L));
}

void open_result(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", result_gc}, {NULL, NULL}};
  new_type(L, RESULT_TYPE, meta);
}
