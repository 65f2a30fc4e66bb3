/*
** json_decode.c: from JSON text to a Lua value, through jansson.
**
** jansson reads an integer past 64 bits as an error and a double without a look at what it lost. So the numbers are
** looked over first: an integer that only a double holds gets a ".0", and what neither holds is refused.
*/
#include "binding.h"

#include <jansson.h>
#include <string.h>

/* ---- Numbers ---- */

typedef struct scan {
  const char *text;
  size_t length;
  fs_buffer rewritten; /* empty unless some integer had to become a double */
  size_t copied;       /* how much of the text is in there */
  size_t bad, bad_end; /* the first number that cannot be kept */
} scan;

static bool in_number(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

/* Past the string that starts at i. */
static size_t skip_string(const scan *s, size_t i) {
  for (i++; i < s->length && s->text[i] != '"'; i++) {
    if (s->text[i] == '\\') i++;
  }
  return i + 1;
}

static bool is_integer(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '.' || text[i] == 'e' || text[i] == 'E') return false;
  }
  return true;
}

/* False when the number from i to end can be kept in no way. */
static bool check_number(scan *s, size_t i, size_t end) {
  const char *number = s->text + i;
  if (is_integer(number, end - i)) {
    if (fs_fits_int64(number, end - i)) return true;
    fs_put(&s->rewritten, s->text + s->copied, end - s->copied);
    fs_put(&s->rewritten, ".0", 2);
    s->copied = end;
  }
  return fs_double_holds(number, end - i);
}

static bool check_numbers(scan *s) {
  size_t i = 0;
  while (i < s->length) {
    char c = s->text[i];
    if (c == '"') {
      i = skip_string(s, i);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      size_t end = i + 1;
      while (end < s->length && in_number(s->text[end])) end++;
      if (!check_number(s, i, end)) {
        s->bad = i, s->bad_end = end;
        return false;
      }
      i = end;
    } else {
      i++;
    }
  }
  if (s->copied > 0) fs_put(&s->rewritten, s->text + s->copied, s->length - s->copied);
  return true;
}

/* ---- From jansson to Lua ---- */

static void push_value(lua_State *L, json_t *value);

static void push_object(lua_State *L, json_t *object) {
  const char *key;
  json_t *value;
  lua_createtable(L, 0, (int)json_object_size(object));
  json_object_foreach(object, key, value) {
    lua_pushstring(L, key);
    push_value(L, value);
    lua_rawset(L, -3);
  }
}

static void push_array(lua_State *L, json_t *array) {
  size_t n = json_array_size(array);
  lua_createtable(L, (int)n, 0);
  luaL_setmetatable(L, JSON_ARRAY_TYPE);
  for (size_t i = 0; i < n; i++) {
    push_value(L, json_array_get(array, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_value(lua_State *L, json_t *value) {
  luaL_checkstack(L, 4, "JSON nested too deeply");
  switch (json_typeof(value)) {
    case JSON_OBJECT: push_object(L, value); break;
    case JSON_ARRAY: push_array(L, value); break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(value)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(value)); break;
    case JSON_TRUE: lua_pushboolean(L, true); break;
    case JSON_FALSE: lua_pushboolean(L, false); break;
    default: push_null(L);
  }
}

static int push_protected(lua_State *L) {
  push_value(L, lua_touserdata(L, 1));
  return 1;
}

static bool push_parsed(lua_State *L, const char *text, size_t length) {
  json_error_t error;
  json_t *root = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (root == NULL) {
    lua_pushfstring(L, "%s (line %d, column %d)", error.text, error.line, error.column);
    return false;
  }
  int status = protect(L, push_protected, root, 0, 1);
  json_decref(root);
  if (status != LUA_OK) lua_error(L);
  return true;
}

static bool refuse_number(lua_State *L, const scan *s) {
  size_t length = s->bad_end - s->bad;
  lua_pushlstring(L, s->text + s->bad, length < 40 ? length : 40);
  lua_pushfstring(L, "the number %s%s at byte %I fits neither an integer of 64 bits nor a double", lua_tostring(L, -1),
                  length < 40 ? "" : "…", (LUAI_UACINT)(s->bad + 1));
  return false;
}

static int parse_rewritten(lua_State *L) {
  const scan *s = lua_touserdata(L, 1);
  lua_pushboolean(L, push_parsed(L, s->rewritten.data, s->rewritten.used));
  return 2;
}

/* The integers that became doubles are in a copy of the text. */
static bool push_rewritten(lua_State *L, scan *s) {
  int status = s->rewritten.failed ? LUA_ERRMEM : protect(L, parse_rewritten, s, 0, 2);
  bool failed = s->rewritten.failed;
  fs_buffer_free(&s->rewritten);
  if (failed) return luaL_error(L, "out of memory");
  if (status != LUA_OK) lua_error(L);
  bool ok = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return ok;
}

/* Pushes the value and returns true, or pushes a message and returns false. Equal keys of an object: the last counts.
 */
bool push_json(lua_State *L, const char *text, size_t length) {
  scan s = {.text = text, .length = length};
  luaL_checkstack(L, 8, NULL);
  if (!check_numbers(&s)) {
    fs_buffer_free(&s.rewritten);
    return refuse_number(L, &s);
  }
  return s.copied > 0 ? push_rewritten(L, &s) : push_parsed(L, text, length);
}
