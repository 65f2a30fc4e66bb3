/*
** partitions.c: core.last_of_partitions, for lists of thousands of events.
*/
#include "binding.h"

#include <string.h>

/* Of an open hash table; all zero: empty. */
typedef struct slot {
  const fs_event *first; /* of its partition */
  lua_Integer place;     /* of the partition in the list that is made */
} slot;

/* Ids are random at their end, or counted up there. */
static size_t hash_of(const fs_event *event) {
  uint32_t hash;
  memcpy(&hash, event->decider_id + FS_UUID_BYTES - sizeof hash, sizeof hash);
  return hash;
}

static slot *find(slot *slots, size_t mask, const fs_event *event) {
  size_t i = hash_of(event) & mask;
  while (slots[i].first != NULL && memcmp(slots[i].first->decider_id, event->decider_id, FS_UUID_BYTES) != 0)
    i = (i + 1) & mask;
  return &slots[i];
}

/* An empty table, at most half full with n events. */
static slot *push_slots(lua_State *L, lua_Integer n, size_t *mask) {
  size_t size = 2;
  while (size < 2 * (size_t)n) size *= 2;
  slot *slots = lua_newuserdatauv(L, size * sizeof *slots, 0);
  memset(slots, 0, size * sizeof *slots);
  *mask = size - 1;
  return slots;
}

/* The metatable of events is at stack index 3. */
static const fs_event *push_checked_event(lua_State *L, lua_Integer i) {
  lua_rawgeti(L, 1, i);
  if (!lua_getmetatable(L, -1) || !lua_rawequal(L, -1, 3)) luaL_error(L, "item %I: event expected", (LUAI_UACINT)i);
  lua_pop(L, 1);
  return lua_touserdata(L, -1);
}

/* (events, count) */
static int last_of_partitions(lua_State *L) {
  size_t mask;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = luaL_checkinteger(L, 2), partitions = 0;
  luaL_argcheck(L, n >= 0 && n <= (lua_Integer)lua_rawlen(L, 1), 2, "out of range");
  lua_settop(L, 2);
  luaL_getmetatable(L, EVENT_TYPE);
  slot *slots = push_slots(L, n, &mask);
  lua_newtable(L);
  for (lua_Integer i = 1; i <= n; i++) {
    const fs_event *event = push_checked_event(L, i);
    slot *partition = find(slots, mask, event);
    if (partition->first == NULL) *partition = (slot){event, ++partitions};
    lua_rawseti(L, -2, partition->place);
  }
  return 1;
}

void open_partitions(lua_State *L, int module) {
  lua_pushcfunction(L, last_of_partitions);
  lua_setfield(L, module, "last_of_partitions");
}
