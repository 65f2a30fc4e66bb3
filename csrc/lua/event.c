/*
** event.c: an event as a read-only userdata. It is one block with all its bytes; ids and times become text when they
** are read, and its data is decoded at the first read and kept as its user value.
*/
#include "binding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The contract's columns in their order, then the lease, then what pairs() leaves out. */
enum field {
  EVENT = 1,
  EVENT_ID,
  EVENT_VERSION,
  DECIDER,
  DECIDER_ID,
  DATA,
  COMMAND_ID,
  PREVIOUS_ID,
  FINAL,
  CREATED_AT,
  OFFSET,
  TOKEN,
  ATTEMPTS,
  RAW_DATA
};

static const char *const field_names[] = {
    [EVENT] = "event",           [EVENT_ID] = "event_id",       [EVENT_VERSION] = "event_version",
    [DECIDER] = "decider",       [DECIDER_ID] = "decider_id",   [DATA] = "data",
    [COMMAND_ID] = "command_id", [PREVIOUS_ID] = "previous_id", [FINAL] = "final",
    [CREATED_AT] = "created_at", [OFFSET] = "offset",           [TOKEN] = "token",
    [ATTEMPTS] = "attempts",     [RAW_DATA] = "raw_data",
};

static fs_event *check_event(lua_State *L) { return luaL_checkudata(L, 1, EVENT_TYPE); }

fs_event *new_event(lua_State *L, size_t size) {
  fs_event *event = lua_newuserdatauv(L, size, 1);
  *event = (fs_event){0};
  luaL_setmetatable(L, EVENT_TYPE);
  return event;
}

void push_event(lua_State *L, const PGresult *pg, int row) {
  fs_read_event(pg, row, new_event(L, fs_event_size(pg, row)));
}

void push_event_list(lua_State *L, const PGresult *pg) {
  int n = PQntuples(pg);
  luaL_getmetatable(L, EVENT_TYPE);
  lua_createtable(L, n, 0);
  for (int row = 0; row < n; row++) {
    fs_read_event(pg, row, lua_newuserdatauv(L, fs_event_size(pg, row), 1));
    lua_pushvalue(L, -3);
    lua_setmetatable(L, -2);
    lua_rawseti(L, -2, row + 1);
  }
}

/* Reads the event at stack index 1. The data cannot be decoded when another client stored a number past all limits. */
static void push_data(lua_State *L, const fs_event *event) {
  if (lua_getiuservalue(L, 1, 1) != LUA_TNIL) return;
  lua_pop(L, 1);
  if (!push_json(L, fs_event_data(event), event->data_length))
    luaL_error(L, "data of the event at offset %I: %s (raw_data has the text)", (LUAI_UACINT)event->offset,
               lua_tostring(L, -1));
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
}

static void push_timestamp(lua_State *L, int64_t microseconds) {
  char text[FS_TIMESTAMP_TEXT];
  int length = fs_format_timestamp(microseconds, text);
  lua_pushlstring(L, text, (size_t)length);
}

static void push_previous_id(lua_State *L, const fs_event *event) {
  if (event->has_previous) {
    push_uuid(L, event->previous_id);
  } else {
    lua_pushnil(L);
  }
}

static void push_lease(lua_State *L, const fs_event *event, int64_t value) {
  if (event->leased) {
    lua_pushinteger(L, value);
  } else {
    lua_pushnil(L);
  }
}

static void push_field(lua_State *L, const fs_event *event, lua_Integer field) {
  switch (field) {
    case EVENT: lua_pushlstring(L, fs_event_name(event), event->name_length); break;
    case EVENT_ID: push_uuid(L, event->event_id); break;
    case EVENT_VERSION: lua_pushinteger(L, event->version); break;
    case DECIDER: lua_pushlstring(L, fs_event_decider(event), event->decider_length); break;
    case DECIDER_ID: push_uuid(L, event->decider_id); break;
    case DATA: push_data(L, event); break;
    case COMMAND_ID: push_uuid(L, event->command_id); break;
    case PREVIOUS_ID: push_previous_id(L, event); break;
    case FINAL: lua_pushboolean(L, event->final); break;
    case CREATED_AT: push_timestamp(L, event->created_at); break;
    case OFFSET: lua_pushinteger(L, event->offset); break;
    case TOKEN: push_lease(L, event, event->token); break;
    case ATTEMPTS: push_lease(L, event, event->attempts); break;
    case RAW_DATA: lua_pushlstring(L, fs_event_data(event), event->data_length); break;
    default: lua_pushnil(L);
  }
}

/* Upvalue 1 maps names to fields. */
static lua_Integer to_field(lua_State *L, int index) {
  lua_pushvalue(L, index);
  lua_rawget(L, lua_upvalueindex(1));
  lua_Integer field = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return field;
}

/* Upvalue 2 is the metatable of events: comparing it is cheaper than a look into the registry. */
static const fs_event *check_indexed(lua_State *L) {
  if (lua_getmetatable(L, 1) && lua_rawequal(L, -1, lua_upvalueindex(2))) {
    lua_pop(L, 1);
    return lua_touserdata(L, 1);
  }
  return check_event(L);
}

static int event_index(lua_State *L) {
  const fs_event *event = check_indexed(L);
  push_field(L, event, to_field(L, 2));
  return 1;
}

static int event_newindex(lua_State *L) {
  return luaL_error(L, "an event is read-only (field '%s')", luaL_tolstring(L, 2, NULL));
}

static int event_next(lua_State *L) {
  const fs_event *event = check_event(L);
  lua_settop(L, 2);
  lua_Integer field = lua_isnil(L, 2) ? 0 : to_field(L, 2);
  while (++field <= ATTEMPTS) {
    lua_pushstring(L, field_names[field]);
    push_field(L, event, field);
    if (!lua_isnil(L, -1)) return 2;
    lua_settop(L, 2);
  }
  return 0;
}

/* Upvalue 1 is event_next. */
static int event_pairs(lua_State *L) {
  check_event(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  return 2;
}

static int event_tostring(lua_State *L) {
  const fs_event *event = check_event(L);
  push_field(L, event, DECIDER);
  push_field(L, event, DECIDER_ID);
  push_field(L, event, EVENT);
  lua_pushfstring(L, "%s %s: %s version %I at offset %I", lua_tostring(L, -3), lua_tostring(L, -2), lua_tostring(L, -1),
                  (LUAI_UACINT)event->version, (LUAI_UACINT)event->offset);
  return 1;
}

/* ---- As JSON: the data is spliced in as it is, so that nothing is lost ---- */

static void put_name(fs_buffer *buffer, enum field field) {
  fs_put(buffer, field == EVENT ? "{\"" : ",\"", 2);
  fs_put(buffer, field_names[field], strlen(field_names[field]));
  fs_put(buffer, "\":", 2);
}

static void put_integer_field(fs_buffer *buffer, enum field field, int64_t value) {
  char text[24];
  int length = snprintf(text, sizeof text, "%" PRId64, value);
  put_name(buffer, field);
  fs_put(buffer, text, (size_t)length);
}

static void put_text_field(fs_buffer *buffer, enum field field, const char *text, size_t length) {
  put_name(buffer, field);
  put_json_string(buffer, text, length);
}

static void put_uuid_field(fs_buffer *buffer, enum field field, const unsigned char uuid[FS_UUID_BYTES]) {
  char text[FS_UUID_TEXT];
  fs_uuid_format(uuid, text);
  put_text_field(buffer, field, text, sizeof text);
}

static void put_literal_field(fs_buffer *buffer, enum field field, const char *text, size_t length) {
  put_name(buffer, field);
  fs_put(buffer, text, length);
}

static void put_timestamp_field(fs_buffer *buffer, int64_t microseconds) {
  char text[FS_TIMESTAMP_TEXT];
  int length = fs_format_timestamp(microseconds, text);
  put_text_field(buffer, CREATED_AT, text, (size_t)length);
}

void put_event_json(fs_buffer *buffer, const fs_event *event) {
  put_text_field(buffer, EVENT, fs_event_name(event), event->name_length);
  put_uuid_field(buffer, EVENT_ID, event->event_id);
  put_integer_field(buffer, EVENT_VERSION, event->version);
  put_text_field(buffer, DECIDER, fs_event_decider(event), event->decider_length);
  put_uuid_field(buffer, DECIDER_ID, event->decider_id);
  put_literal_field(buffer, DATA, fs_event_data(event), event->data_length);
  put_uuid_field(buffer, COMMAND_ID, event->command_id);
  if (event->has_previous) {
    put_uuid_field(buffer, PREVIOUS_ID, event->previous_id);
  } else {
    put_literal_field(buffer, PREVIOUS_ID, "null", 4);
  }
  put_literal_field(buffer, FINAL, event->final ? "true" : "false", event->final ? 4 : 5);
  put_timestamp_field(buffer, event->created_at);
  put_integer_field(buffer, OFFSET, event->offset);
  if (event->leased) {
    put_integer_field(buffer, TOKEN, event->token);
    put_integer_field(buffer, ATTEMPTS, event->attempts);
  }
  fs_put(buffer, "}", 1);
}

static int event_type(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_testudata(L, 1, EVENT_TYPE)) {
    lua_pushliteral(L, "event");
  } else {
    luaL_pushfail(L);
  }
  return 1;
}

static void push_field_map(lua_State *L) {
  lua_createtable(L, 0, RAW_DATA);
  for (int field = EVENT; field <= RAW_DATA; field++) {
    lua_pushinteger(L, field);
    lua_setfield(L, -2, field_names[field]);
  }
}

void open_event(lua_State *L, int module) {
  static const luaL_Reg meta[] = {{"__newindex", event_newindex}, {"__tostring", event_tostring}, {NULL, NULL}};
  new_type(L, EVENT_TYPE, meta);
  int metatable = lua_gettop(L);
  push_field_map(L);
  lua_pushvalue(L, -1);
  lua_pushvalue(L, metatable);
  lua_pushcclosure(L, event_index, 2);
  lua_setfield(L, metatable, "__index");
  lua_pushcclosure(L, event_next, 1);
  lua_pushcclosure(L, event_pairs, 1);
  lua_setfield(L, metatable, "__pairs");
  lua_pushcfunction(L, event_type);
  lua_setfield(L, module, "event_type");
}
