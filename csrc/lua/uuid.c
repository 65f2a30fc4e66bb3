/*
** uuid.c: core.uuid.
*/
#include "binding.h"

void push_uuid(lua_State *L, const unsigned char uuid[FS_UUID_BYTES]) {
  char text[FS_UUID_TEXT];
  fs_uuid_format(uuid, text);
  lua_pushlstring(L, text, sizeof text);
}

static int uuid_v4(lua_State *L) {
  unsigned char uuid[FS_UUID_BYTES];
  if (!fs_uuid_v4(uuid)) return luaL_error(L, "the system gives no random bytes");
  push_uuid(L, uuid);
  return 1;
}

static int uuid_v7(lua_State *L) {
  unsigned char uuid[FS_UUID_BYTES];
  if (!fs_uuid_v7(uuid)) return luaL_error(L, "the system gives no random bytes");
  push_uuid(L, uuid);
  return 1;
}

static int uuid_v5(lua_State *L) {
  unsigned char space[FS_UUID_BYTES], uuid[FS_UUID_BYTES];
  size_t length;
  check_uuid(L, 1, space);
  const char *name = luaL_checklstring(L, 2, &length);
  fs_uuid_v5(space, name, length, uuid);
  push_uuid(L, uuid);
  return 1;
}

static int uuid_is_uuid(lua_State *L) {
  unsigned char uuid[FS_UUID_BYTES];
  size_t length;
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &length) : NULL;
  lua_pushboolean(L, text != NULL && fs_uuid_parse(text, length, uuid));
  return 1;
}

void open_uuid(lua_State *L, int module) {
  static const luaL_Reg functions[] = {
      {"v4", uuid_v4}, {"v5", uuid_v5}, {"v7", uuid_v7}, {"is_uuid", uuid_is_uuid}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_setfield(L, module, "uuid");
}
