/*
** append.c: conn:append_events.
*/
#include "binding.h"

#include <string.h>

/* The keys of an item, in the order in which read_item leaves their values on the stack. */
static const char *const item_keys[] = {"event",       "decider",  "decider_id",    "data", "command_id",
                                        "previous_id", "event_id", "event_version", "final"};

enum { EVENT, DECIDER, DECIDER_ID, DATA, COMMAND_ID, PREVIOUS_ID, EVENT_ID, EVENT_VERSION, FINAL, KEYS };

/* Where things stand on the stack of connection_append_events. */
enum { LIST = 2, STORED, HEADS, POINTERS, PLACES, ITEM, VALUES };

static const char *text_value(lua_State *L, lua_Integer i, int key, size_t *length) {
  return field_text(L, VALUES + key, i, item_keys[key], length);
}

static void uuid_value(lua_State *L, lua_Integer i, int key, unsigned char uuid[FS_UUID_BYTES]) {
  field_uuid(L, VALUES + key, i, item_keys[key], uuid);
}

static bool is_given(lua_State *L, int key) { return !lua_isnil(L, VALUES + key); }

/* The item's data becomes its JSON text, in place. */
static void encode_data(lua_State *L, lua_Integer i) {
  if (!is_given(L, DATA)) wrong_field(L, i, "data", "value expected, got nothing (json.null is a value)");
  push_json_text(L, VALUES + DATA, i, "data");
  lua_replace(L, VALUES + DATA);
}

static void read_options(lua_State *L, lua_Integer i, fs_event *event) {
  event->has_previous = is_given(L, PREVIOUS_ID);
  if (event->has_previous) uuid_value(L, i, PREVIOUS_ID, event->previous_id);
  if (is_given(L, EVENT_ID)) {
    uuid_value(L, i, EVENT_ID, event->event_id);
  } else if (!fs_uuid_v7(event->event_id)) {
    luaL_error(L, "the system gives no random bytes");
  }
  event->version = 1;
  if (is_given(L, EVENT_VERSION))
    event->version = field_integer(L, VALUES + EVENT_VERSION, i, item_keys[EVENT_VERSION]);
  event->final = is_given(L, FINAL) && field_boolean(L, VALUES + FINAL, i, item_keys[FINAL]);
}

/* Pushes the event that the values on the stack make. */
static fs_event *make_event(lua_State *L, lua_Integer i) {
  size_t name_length, decider_length, data_length;
  const char *name = text_value(L, i, EVENT, &name_length);
  const char *decider = text_value(L, i, DECIDER, &decider_length);
  encode_data(L, i);
  const char *data = lua_tolstring(L, VALUES + DATA, &data_length);
  fs_event *event = new_event(L, sizeof *event + name_length + decider_length + data_length);
  event->name_length = name_length;
  event->decider_length = decider_length;
  event->data_length = data_length;
  memcpy(event->text, name, name_length);
  memcpy(event->text + name_length, decider, decider_length);
  memcpy(event->text + name_length + decider_length, data, data_length);
  uuid_value(L, i, DECIDER_ID, event->decider_id);
  uuid_value(L, i, COMMAND_ID, event->command_id);
  read_options(L, i, event);
  return event;
}

/* Names the last event of the same stream in this list, if there is one, as the event before. */
static void chain(lua_State *L, fs_event *event) {
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  luaL_addlstring(&buffer, (const char *)event->decider_id, FS_UUID_BYTES);
  luaL_addlstring(&buffer, fs_event_decider(event), event->decider_length);
  luaL_pushresult(&buffer);
  lua_pushvalue(L, -1);
  lua_rawget(L, HEADS);
  const fs_event *head = lua_touserdata(L, -1);
  if (head != NULL && !event->has_previous) {
    memcpy(event->previous_id, head->event_id, FS_UUID_BYTES);
    event->has_previous = true;
  }
  lua_pop(L, 1);
  lua_pushlightuserdata(L, event);
  lua_rawset(L, HEADS);
}

/* Pushes the table from item_keys to their places, which is made once. */
static void push_places(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, item_keys) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, KEYS);
  for (int key = 0; key < KEYS; key++) {
    lua_pushinteger(L, key);
    lua_setfield(L, -2, item_keys[key]);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, item_keys);
}

/* Leaves the item's values, or nil, in the order of item_keys. */
static void spread_item(lua_State *L, lua_Integer i) {
  lua_settop(L, VALUES + KEYS - 1);
  lua_pushnil(L);
  while (lua_next(L, ITEM)) {
    lua_pushvalue(L, -2);
    if (lua_rawget(L, PLACES) != LUA_TNUMBER) wrong_field(L, i, luaL_tolstring(L, -3, NULL), "unknown key");
    int place = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_replace(L, VALUES + place);
  }
}

static fs_event *read_item(lua_State *L, lua_Integer i) {
  lua_settop(L, PLACES);
  if (lua_rawgeti(L, LIST, i) != LUA_TTABLE) luaL_error(L, "item %I: table expected", (LUAI_UACINT)i);
  spread_item(L, i);
  fs_event *event = make_event(L, i);
  lua_rawseti(L, STORED, i);
  return event;
}

int connection_append_events(lua_State *L) {
  fs_conn *conn = check_connection(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, LIST);
  luaL_checkstack(L, VALUES + KEYS + LUA_MINSTACK, NULL);
  lua_Integer n = (lua_Integer)lua_rawlen(L, LIST);
  lua_createtable(L, (int)n, 0);
  if (n == 0) return 1;
  lua_newtable(L);
  fs_event **events = lua_newuserdatauv(L, sizeof *events * (size_t)n, 0);
  push_places(L);
  for (lua_Integer i = 1; i <= n; i++) {
    events[i - 1] = read_item(L, i);
    chain(L, events[i - 1]);
  }
  fs_result *result = new_result(L);
  if (!fs_append_events(conn, events, (size_t)n, result)) return push_failure(L, result);
  fs_result_clear(result);
  lua_pushvalue(L, STORED);
  return 1;
}
