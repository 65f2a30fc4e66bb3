/*
** json_encode.c: from a Lua value to JSON text.
**
** Written straight into a buffer instead of through jansson's trees: an event's data is spliced in as it is, doubles
** are as short as they can be, and the path to what JSON cannot hold is known.
*/
#include "binding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As deep as jansson reads. */
#define MAX_DEPTH 2048

/* One step on the way down to the value at hand, for the path in a message. */
typedef struct step {
  const struct step *up;
  const char *key; /* NULL: an index */
  lua_Integer index;
} step;

typedef struct encoder {
  fs_buffer out;
  fs_buffer keys;   /* the stack of keys of the objects being written */
  lua_Integer item; /* of a list, for messages; 0: none */
  const char *root;
  int depth;
} encoder;

typedef struct key {
  const char *text;
  size_t length;
  int value; /* its place on Lua's stack */
} key;

/* The arguments of encode_protected on the stack. */
enum { CONTEXT = 1, VALUE };

static void put_value(lua_State *L, encoder *e, int index, const step *here);

static void add_path(lua_State *L, luaL_Buffer *buffer, const encoder *e, const step *here) {
  if (here == NULL) {
    luaL_addstring(buffer, e->root);
    return;
  }
  add_path(L, buffer, e, here->up);
  if (here->key != NULL) {
    luaL_addchar(buffer, '.');
    luaL_addstring(buffer, here->key);
  } else {
    lua_pushfstring(L, "[%I]", (LUAI_UACINT)here->index);
    luaL_addvalue(buffer);
  }
}

/* Raises "data.items[3]: problem"; an endless path is cut. */
static int refuse(lua_State *L, const encoder *e, const step *here, const char *problem) {
  luaL_Buffer buffer;
  while (here != NULL && e->depth > MAX_DEPTH && here->up != NULL && here->up->up != NULL) here = here->up;
  lua_pushstring(L, problem);
  luaL_buffinit(L, &buffer);
  add_path(L, &buffer, e, here);
  luaL_pushresult(&buffer);
  return wrong_field(L, e->item, lua_tostring(L, -1), lua_tostring(L, -2));
}

static void put_escape(fs_buffer *out, unsigned char c) {
  static const char names[] = "btn.fr"; /* of the bytes 8 to 13; 11 has none */
  static const char digits[] = "0123456789abcdef";
  char text[6] = {'\\', (char)c, '0', '0', digits[c >> 4], digits[c & 15]};
  if (c == '"' || c == '\\') {
    fs_put(out, text, 2);
  } else if (c >= 8 && c <= 13 && c != 11) {
    text[1] = names[c - 8];
    fs_put(out, text, 2);
  } else {
    text[1] = 'u';
    fs_put(out, text, 6);
  }
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

/* Returns where the text stops being UTF-8, or FS_TEXT_FINE. */
static size_t put_string(fs_buffer *out, const char *text, size_t length) {
  size_t from = 0, i = 0;
  fs_put(out, "\"", 1);
  while (i < length) {
    unsigned char c = (unsigned char)text[i];
    if (is_plain(c)) {
      i++;
    } else if (c < 0x80) {
      fs_put(out, text + from, i - from);
      put_escape(out, c);
      from = ++i;
    } else {
      size_t n = fs_utf8_length(text + i, length - i);
      if (n == 0) return i;
      i += n;
    }
  }
  fs_put(out, text + from, length - from);
  fs_put(out, "\"", 1);
  return FS_TEXT_FINE;
}

/* For text that is known to be UTF-8. */
void put_json_string(fs_buffer *buffer, const char *text, size_t length) { put_string(buffer, text, length); }

static void put_checked_string(lua_State *L, encoder *e, const char *text, size_t length, const step *here) {
  size_t fault = put_string(&e->out, text, length);
  if (fault == FS_TEXT_FINE) return;
  refuse(L, e, here, lua_pushfstring(L, "invalid UTF-8 at byte %I", (LUAI_UACINT)(fault + 1)));
}

static void put_integer(fs_buffer *out, lua_Integer value) {
  char digits[24], *first = digits + sizeof digits;
  lua_Unsigned rest = value < 0 ? 0 - (lua_Unsigned)value : (lua_Unsigned)value;
  do *--first = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (value < 0) *--first = '-';
  fs_put(out, first, (size_t)(digits + sizeof digits - first));
}

static void put_number(lua_State *L, encoder *e, int index, const step *here) {
  char text[FS_NUMBER_TEXT];
  if (lua_isinteger(L, index)) {
    put_integer(&e->out, lua_tointeger(L, index));
    return;
  }
  double value = lua_tonumber(L, index);
  if (!isfinite(value)) refuse(L, e, here, isnan(value) ? "NaN is no JSON" : "infinity is no JSON");
  int length = fs_format_double(value, text);
  fs_put(&e->out, text, (size_t)length);
}

static int compare_keys(const void *a, const void *b) {
  const key *x = a, *y = b;
  size_t shorter = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, shorter);
  return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* Leaves keys, all strings, and values on Lua's stack; adds the keys, sorted, to theirs. Returns how many. */
static size_t collect_keys(lua_State *L, encoder *e, int index, const step *here) {
  size_t start = e->keys.used, n = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      refuse(L, e, here, lua_pushfstring(L, "an object cannot have the key %s", luaL_tolstring(L, -2, NULL)));
    key k = {.value = lua_gettop(L)};
    k.text = lua_tolstring(L, -2, &k.length);
    fs_put(&e->keys, &k, sizeof k);
    n++;
    luaL_checkstack(L, 8, "too many keys in an object");
    lua_pushvalue(L, -2);
  }
  if (e->keys.failed) luaL_error(L, "out of memory");
  if (n > 1) qsort(e->keys.data + start, n, sizeof(key), compare_keys);
  return n;
}

static void put_object(lua_State *L, encoder *e, int index, const step *here) {
  size_t start = e->keys.used;
  int top = lua_gettop(L);
  size_t n = collect_keys(L, e, index, here);
  fs_put(&e->out, "{", 1);
  for (size_t i = 0; i < n; i++) {
    key k; /* copied: the stack of keys may move */
    memcpy(&k, e->keys.data + start + i * sizeof k, sizeof k);
    step next = {.up = here, .key = k.text};
    if (i > 0) fs_put(&e->out, ",", 1);
    put_checked_string(L, e, k.text, k.length, &next);
    fs_put(&e->out, ":", 1);
    put_value(L, e, k.value, &next);
  }
  fs_put(&e->out, "}", 1);
  e->keys.used = start;
  lua_settop(L, top);
}

/* Whether each key of the table is an index from 1 to n. */
static void check_indices(lua_State *L, const encoder *e, int index, lua_Unsigned n, const step *here) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lua_Integer i = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (i < 1 || (lua_Unsigned)i > n)
      refuse(L, e, here, lua_pushfstring(L, "an array cannot have the key %s", luaL_tolstring(L, -2, NULL)));
  }
}

static void put_array(lua_State *L, encoder *e, int index, const step *here) {
  lua_Unsigned n = lua_rawlen(L, index);
  check_indices(L, e, index, n, here);
  fs_put(&e->out, "[", 1);
  for (lua_Integer i = 1; (lua_Unsigned)i <= n; i++) {
    step next = {.up = here, .index = i};
    if (i > 1) fs_put(&e->out, ",", 1);
    if (lua_rawgeti(L, index, i) == LUA_TNIL) refuse(L, e, &next, "nil in an array (json.null is a value)");
    put_value(L, e, lua_gettop(L), &next);
    lua_pop(L, 1);
  }
  fs_put(&e->out, "]", 1);
}

static bool is_null(lua_State *L, int index) {
  push_null(L);
  bool same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  return same;
}

static void put_table(lua_State *L, encoder *e, int index, const step *here) {
  if (++e->depth > MAX_DEPTH) refuse(L, e, here, "nested too deeply, or within itself");
  luaL_checkstack(L, 8, "nested too deeply");
  if (lua_rawlen(L, index) > 0 || is_array(L, index)) {
    put_array(L, e, index, here);
  } else {
    put_object(L, e, index, here);
  }
  e->depth--;
}

/* A value that is JSON text already is spliced in as it is. */
static void put_encoded(lua_State *L, encoder *e, int index) {
  size_t length;
  lua_getiuservalue(L, index, 1);
  const char *text = lua_tolstring(L, -1, &length);
  fs_put(&e->out, text, length);
  lua_pop(L, 1);
}

static void put_userdata(lua_State *L, encoder *e, int index, const step *here) {
  if (is_null(L, index)) {
    fs_put(&e->out, "null", 4);
  } else if (luaL_testudata(L, index, JSON_VALUE_TYPE)) {
    put_encoded(L, e, index);
  } else if (luaL_testudata(L, index, EVENT_TYPE)) {
    put_event_json(&e->out, lua_touserdata(L, index));
  } else {
    refuse(L, e, here, "userdata is no JSON");
  }
}

static void put_value(lua_State *L, encoder *e, int index, const step *here) {
  size_t length;
  const char *text;
  switch (lua_type(L, index)) {
    case LUA_TSTRING:
      text = lua_tolstring(L, index, &length);
      put_checked_string(L, e, text, length, here);
      break;
    case LUA_TNUMBER: put_number(L, e, index, here); break;
    case LUA_TBOOLEAN:
      text = lua_toboolean(L, index) ? "true" : "false";
      fs_put(&e->out, text, strlen(text));
      break;
    case LUA_TTABLE: put_table(L, e, index, here); break;
    case LUA_TUSERDATA: put_userdata(L, e, index, here); break;
    default: refuse(L, e, here, lua_pushfstring(L, "%s is no JSON", luaL_typename(L, index)));
  }
}

static int encode_protected(lua_State *L) {
  encoder *e = lua_touserdata(L, CONTEXT);
  put_value(L, e, VALUE, NULL);
  if (e->out.failed) return luaL_error(L, "out of memory");
  lua_pushlstring(L, e->out.data, e->out.used);
  return 1;
}

/* Pushes the text of the value; item and root name it in messages. */
void push_json_text(lua_State *L, int index, lua_Integer item, const char *root) {
  encoder e = {.item = item, .root = root};
  index = lua_absindex(L, index);
  luaL_checkstack(L, 4, NULL);
  lua_pushvalue(L, index);
  int status = protect(L, encode_protected, &e, 1, 1);
  fs_buffer_free(&e.out);
  fs_buffer_free(&e.keys);
  if (status != LUA_OK) lua_error(L);
}
