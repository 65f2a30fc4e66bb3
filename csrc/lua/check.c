/*
** check.c: arguments, and the fields of items in lists. What cannot be sent is the caller's mistake and raises.
*/
#include "binding.h"

#include <string.h>

/* Why PostgreSQL would refuse the text, pushed; NULL when it would not. */
static const char *text_problem(lua_State *L, const char *text, size_t length) {
  size_t fault = fs_text_fault(text, length);
  if (fault == FS_TEXT_FINE) return NULL;
  const char *what = text[fault] == '\0' ? "NUL" : "invalid UTF-8";
  return lua_pushfstring(L, "%s at byte %I", what, (LUAI_UACINT)(fault + 1));
}

const char *check_text(lua_State *L, int arg, size_t *length) {
  const char *text = luaL_checklstring(L, arg, length);
  const char *problem = text_problem(L, text, *length);
  if (problem != NULL) luaL_argerror(L, arg, problem);
  return text;
}

void check_uuid(lua_State *L, int arg, unsigned char uuid[FS_UUID_BYTES]) {
  size_t length;
  const char *text = luaL_checklstring(L, arg, &length);
  luaL_argcheck(L, fs_uuid_parse(text, length, uuid), arg, "UUID expected");
}

/* Names the field in a message: "item 3: decider_id", or the key alone when the item is 0. */
static const char *push_place(lua_State *L, lua_Integer item, const char *key) {
  return item > 0 ? lua_pushfstring(L, "item %I: %s", (LUAI_UACINT)item, key) : lua_pushstring(L, key);
}

int wrong_field(lua_State *L, lua_Integer item, const char *key, const char *problem) {
  return luaL_error(L, "%s: %s", push_place(L, item, key), problem);
}

static int wrong_type(lua_State *L, int index, lua_Integer item, const char *key, const char *expected) {
  const char *found = lua_isnil(L, index) ? "nothing" : luaL_typename(L, index);
  return wrong_field(L, item, key, lua_pushfstring(L, "%s expected, got %s", expected, found));
}

const char *field_text(lua_State *L, int index, lua_Integer item, const char *key, size_t *length) {
  if (lua_type(L, index) != LUA_TSTRING) wrong_type(L, index, item, key, "string");
  const char *text = lua_tolstring(L, index, length);
  const char *problem = text_problem(L, text, *length);
  if (problem != NULL) wrong_field(L, item, key, problem);
  return text;
}

void field_uuid(lua_State *L, int index, lua_Integer item, const char *key, unsigned char uuid[FS_UUID_BYTES]) {
  if (lua_type(L, index) != LUA_TSTRING) wrong_type(L, index, item, key, "UUID");
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  if (!fs_uuid_parse(text, length, uuid))
    wrong_field(L, item, key, lua_pushfstring(L, "UUID expected, got '%s'", text));
}

lua_Integer field_integer(lua_State *L, int index, lua_Integer item, const char *key) {
  int is_integer = 0;
  lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &is_integer) : 0;
  if (!is_integer) wrong_type(L, index, item, key, "integer");
  return value;
}

bool field_boolean(lua_State *L, int index, lua_Integer item, const char *key) {
  if (!lua_isboolean(L, index)) wrong_type(L, index, item, key, "boolean");
  return lua_toboolean(L, index);
}

/* Refuses a table that has a key which is not in the list; the table is the item of that number, or 0 for options. */
void check_keys(lua_State *L, int table, lua_Integer item, const char *const *keys) {
  table = lua_absindex(L, table);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    const char *const *known = keys;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    while (*known != NULL && (key == NULL || strcmp(*known, key) != 0)) known++;
    if (*known == NULL) wrong_field(L, item, luaL_tolstring(L, -2, NULL), "unknown key");
  }
}
