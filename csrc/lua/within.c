/*
** within.c: conn:within, a protected call with a time limit.
**
** One alarm serves the process. When it rings, the statement that runs is cancelled and the running Lua code is made to
** raise. Code that goes on all the same (it is in a C function, or catches every error) is ended with its process by
*the
** second alarm: its action is the system's own.
*/
#include "binding.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

enum { GRACE_S = 3 };

static struct {
  lua_State *volatile L; /* NULL: no call is limited */
  PGconn *pg;
  PGcancel *cancel;
} limited;

static void raise_timeout(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "the time limit is over");
}

/* All that is called here may be called from a signal handler: libpq and Lua say so. */
static void on_alarm(int number) {
  int saved = errno;
  char message[256];
  (void)number;
  alarm(GRACE_S);
  lua_sethook(limited.L, raise_timeout, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  if (limited.cancel != NULL && PQtransactionStatus(limited.pg) == PQTRANS_ACTIVE)
    PQcancel(limited.cancel, message, sizeof message);
  errno = saved;
}

static void set_timer(double seconds) {
  struct itimerval timer = {0};
  timer.it_value.tv_sec = (time_t)seconds;
  timer.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
  if (seconds > 0 && timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0) timer.it_value.tv_usec = 1;
  setitimer(ITIMER_REAL, &timer, NULL);
}

static int call_limited(lua_State *L, fs_conn *conn, double seconds, int handler) {
  struct sigaction before, action = {.sa_handler = on_alarm, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  limited.pg = conn->pg;
  limited.cancel = PQgetCancel(conn->pg);
  limited.L = L;
  sigaction(SIGALRM, &action, &before);
  set_timer(seconds);
  int status = lua_pcall(L, lua_gettop(L) - handler - 1, LUA_MULTRET, handler);
  set_timer(0);
  sigaction(SIGALRM, &before, NULL);
  limited.L = NULL;
  if (lua_gethook(L) == raise_timeout) lua_sethook(L, NULL, 0, 0);
  PQfreeCancel(limited.cancel);
  return status;
}

/* (seconds, f, handler, ...): what xpcall(f, handler, ...) returns */
int connection_within(lua_State *L) {
  fs_conn *conn = check_connection(L);
  double seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0 && seconds <= 1e8, 2, "out of range");
  luaL_checktype(L, 3, LUA_TFUNCTION);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  if (limited.L != NULL) return luaL_error(L, "within: such a call is under way already");
  lua_pushvalue(L, 4);
  lua_remove(L, 4);
  lua_insert(L, 3);
  int status = call_limited(L, conn, seconds, 3);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 3);
  return lua_gettop(L) - 2;
}
