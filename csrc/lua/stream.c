/*
** stream.c: conn:get_events, an iterator over pages.
*/
#include "binding.h"

#include <string.h>

static int stream_close(lua_State *L) {
  fs_stream *stream = luaL_checkudata(L, 1, STREAM_TYPE);
  fs_result_clear(&stream->result);
  stream->done = true;
  return 0;
}

/* Upvalue 1 is the stream; its user value is the connection. */
static int stream_next(lua_State *L) {
  lua_settop(L, 0);
  fs_stream *stream = lua_touserdata(L, lua_upvalueindex(1));
  lua_getiuservalue(L, lua_upvalueindex(1), 1);
  if (stream->done) return 0;
  fs_conn *conn = check_connection(L);
  if (fs_stream_next(conn, stream)) {
    push_event(L, stream->result.pg, stream->row);
    return 1;
  }
  if (stream->result.error.kind != FS_OK) {
    push_error(L, &stream->result.error);
    fs_result_clear(&stream->result);
    return lua_error(L);
  }
  fs_result_clear(&stream->result);
  return 0;
}

static int64_t option(lua_State *L, int options, const char *key, int64_t otherwise, int64_t least) {
  if (lua_getfield(L, options, key) == LUA_TNIL) return otherwise;
  lua_Integer value = field_integer(L, -1, 0, key);
  if (value < least) wrong_field(L, 0, key, "out of range");
  return value;
}

static void read_options(lua_State *L, int index, fs_stream *stream) {
  static const char *const keys[] = {"after", "page", NULL};
  if (lua_isnoneornil(L, index)) return;
  luaL_checktype(L, index, LUA_TTABLE);
  check_keys(L, index, 0, keys);
  stream->after = option(L, index, "after", 0, 0);
  int64_t page = option(L, index, "page", stream->page, 1);
  stream->page = page < INT32_MAX ? (int32_t)page : INT32_MAX;
}

int connection_get_events(lua_State *L) {
  unsigned char decider_id[FS_UUID_BYTES];
  size_t length;
  check_connection(L);
  lua_settop(L, 4);
  check_uuid(L, 2, decider_id);
  const char *decider = check_text(L, 3, &length);
  fs_stream *stream = lua_newuserdatauv(L, sizeof *stream + length, 1);
  *stream = (fs_stream){.page = 1000, .decider_length = length};
  luaL_setmetatable(L, STREAM_TYPE);
  memcpy(stream->decider_id, decider_id, FS_UUID_BYTES);
  memcpy(stream->decider, decider, length);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 5, 1);
  read_options(L, 4, stream);
  lua_settop(L, 5);
  lua_pushvalue(L, 5);
  lua_pushcclosure(L, stream_next, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 5);
  return 4;
}

void open_stream(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", stream_close}, {"__close", stream_close}, {NULL, NULL}};
  new_type(L, STREAM_TYPE, meta);
}
