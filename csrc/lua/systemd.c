/*
** systemd.c: core.notify_systemd, what a service of Type=notify tells its manager (sd_notify(3)).
*/
#define _GNU_SOURCE
#include "binding.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The address in NOTIFY_SOCKET; a leading @ stands for the NUL of an abstract one. Its length, 0 when there is none. */
static socklen_t manager_address(struct sockaddr_un *address) {
  const char *path = getenv("NOTIFY_SOCKET");
  size_t length = path != NULL ? strlen(path) : 0;
  if (length < 2 || length >= sizeof address->sun_path || (path[0] != '/' && path[0] != '@')) return 0;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, path, length);
  if (path[0] == '@') address->sun_path[0] = '\0';
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* (text): whether a manager was told */
static int core_notify_systemd(lua_State *L) {
  size_t length;
  const char *text = check_text(L, 1, &length);
  struct sockaddr_un address;
  socklen_t size = manager_address(&address);
  int fd = size > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  bool told = fd >= 0 && sendto(fd, text, length, MSG_NOSIGNAL, (const struct sockaddr *)&address, size) >= 0;
  if (fd >= 0) close(fd);
  lua_pushboolean(L, told);
  return 1;
}

void open_systemd(lua_State *L, int module) {
  lua_pushcfunction(L, core_notify_systemd);
  lua_setfield(L, module, "notify_systemd");
}
