/*
** within.c: conn:within, a protected call with a time limit.
**
** One timer serves the process. When it rings, the statement that runs is cancelled and the running Lua code is made to
** raise; code that catches this is made to raise again and again. What goes on even then (it is in a C function) is
** ended with its process, by the signal's own action.
*/
#include "binding.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

enum { RING_EVERY_US = 50000, CANCEL_EVERY = 20, RINGS = 60 };

static struct {
  lua_State *volatile L; /* NULL: no call is limited */
  PGconn *pg;
  PGcancel *cancel;
  volatile sig_atomic_t rings;
} limited;

/* The place of the Lua code that runs, which may be in a C function at the moment. */
static void push_where(lua_State *L) {
  lua_Debug at;
  for (int level = 0; lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline > 0) {
      lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

/* Without a hook of its own: the error's handler may run Lua code. */
static void raise_timeout(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  push_where(L);
  lua_pushliteral(L, "the time limit is over");
  lua_concat(L, 2);
  lua_error(L);
}

/* All that is called here may be called from a signal handler: libpq and Lua say so. */
static void on_alarm(int number) {
  int saved = errno;
  char message[256];
  if (limited.rings >= RINGS) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  lua_sethook(limited.L, raise_timeout, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  if (limited.rings % CANCEL_EVERY == 0 && limited.cancel != NULL && PQtransactionStatus(limited.pg) == PQTRANS_ACTIVE)
    PQcancel(limited.cancel, message, sizeof message);
  limited.rings++;
  errno = saved;
}

static void set_timer(double seconds) {
  struct itimerval timer = {0};
  timer.it_value.tv_sec = (time_t)seconds;
  timer.it_value.tv_usec = (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6);
  if (seconds > 0) {
    timer.it_interval.tv_usec = RING_EVERY_US;
    if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0) timer.it_value.tv_usec = 1;
  }
  setitimer(ITIMER_REAL, &timer, NULL);
}

static int call_limited(lua_State *L, fs_conn *conn, double seconds, int handler) {
  struct sigaction before, action = {.sa_handler = on_alarm, .sa_flags = SA_NODEFER};
  sigemptyset(&action.sa_mask);
  limited.pg = conn->link;
  limited.cancel = PQgetCancel(conn->link);
  limited.rings = 0;
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
