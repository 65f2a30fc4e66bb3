# fstore-lua: build, test, install. `make help` lists the targets. Everything built lives in build/.

CC     ?= cc
CFLAGS ?= -O2 -g
LUA    := lua5.4
SPEC   ?= spec
ARGS   ?=
TREE   ?= /usr/local
BUSTED := $(LUA) /usr/bin/busted

SOURCES := $(wildcard csrc/*.c csrc/lua/*.c)
CORE    := build/lib/fstore/core.so
PROGRAM := build/bin/fstore-lua

# Lua's own list of warnings, and some more that gcc 12 has. The build shows them, `make lint` makes them errors.
WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wredundant-decls -Wdisabled-optimization \
  -Wdouble-promotion -Wmissing-declarations -Wlogical-op -Wmissing-prototypes -Wnested-externs \
  -Wstrict-prototypes -Wold-style-definition -Wformat=2 -Wcast-qual -Wcast-align -Wpointer-arith \
  -Wvla -Wduplicated-cond -Wduplicated-branches -Wnull-dereference

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help build setup check demo test bench golden soak lint lint-c lint-lua lint-sql lint-sh lint-text asan valgrind \
  install clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 16

build: $(CORE) $(PROGRAM) ## compile the C core; build/bin/fstore-lua then runs in place

demo: setup build ## set up, build, and run the main job on an embedded PostgreSQL
	@examples/demo.sh

SECONDS ?= 60

soak: setup build ## run what is random, and what kills everything in turn, for SECONDS=60 each
	@SECONDS=$(SECONDS) $(BUSTED) $(ARGS) spec/sql/random_spec.lua
	@SECONDS=$(SECONDS) $(BUSTED) $(ARGS) spec/workers/soak_spec.lua

# With SEED=file that schema, the original, stands in for ours: each of its defects must show, and its contract be ours.
ifneq ($(SEED),)
SPEC  = spec/sql/defects spec/sql/contract_spec.lua
test: ARGS += -o spec.support.sql_defects_output
endif

test: setup build ## set up, build, and run the specs; SPEC=path for some of them, ARGS='--filter=x' for busted
	@$(BUSTED) $(ARGS) $(SPEC)

FIND_MODULES = LUA_PATH_5_4='./lua/?.lua;./lua/?/init.lua;./?.lua;;' LUA_CPATH_5_4='./build/lib/?.so;;'

golden: setup build ## write anew what is checked in of the installed schema; with SEED=file, of the original too
	@$(FIND_MODULES) $(LUA) -e 'require("spec.support.sql_golden").refresh()'

# Plain C on libpq: what our program is measured against.
BASELINE := build/bench/baseline

bench: setup build $(BASELINE) ## measure beside baselines; ROWS=append,scale for some rows, SEED=schema.sql for the original
	@ROWS='$(ROWS)' SEED='$(SEED)' $(LUA) bench/main.lua

$(BASELINE): bench/baseline.c $(addprefix csrc/,uuid.c sha1.c buffer.c fstore.h) Makefile | $(READY)
	@mkdir -p $(@D) && echo "cc $@"
	@$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) -Icsrc $$(pkg-config --cflags libpq) $(filter %.c,$^) -o $@ \
	  $$(pkg-config --libs libpq)

# --- What a goal needs on the machine: these goals install it, the others only say what is missing.

SETUP_GOALS := setup demo test bench golden soak lint asan valgrind
PACKAGES    := build $(if $(filter setup demo test bench golden soak asan valgrind install,$(MAKECMDGOALS)),run test) \
  $(filter lint valgrind,$(MAKECMDGOALS))
READY       := $(if $(filter $(SETUP_GOALS),$(MAKECMDGOALS)),setup,check)

setup: ## install the Debian packages that are missing, as root or through sudo
	@.ci/setup install $(PACKAGES)

check:
	@.ci/setup check $(PACKAGES)

# --- The C core, in three versions: to use, to lint, to watch its memory.

compile = @mkdir -p $(@D) && echo "cc $@" && \
  $(CC) -std=gnu11 -fPIC $(WARNINGS) $(CFLAGS) $(1) -MMD -MP -Icsrc \
  $$(pkg-config --cflags lua5.4 libpq jansson libcurl) -c $< -o $@
# The interpreter brings Lua's symbols; linking liblua in would load a second Lua.
link = @mkdir -p $(@D) && echo "ld $@" && \
  $(CC) -shared $(CFLAGS) $(LDFLAGS) $(1) $(filter %.o,$^) -o $@ $$(pkg-config --libs libpq jansson libcurl)

# Prerequisites of a library: its objects, and the folders, so that it is linked anew when a source file goes.
objects = $(SOURCES:%.c=$(1)/%.o)
library = $(objects) $(wildcard csrc csrc/lua)

build/obj/%.o: %.c Makefile | $(READY)
	$(call compile)

$(CORE): $(call library,build/obj)
	$(call link)

%/bin/fstore-lua: .ci/launcher.sh
	@mkdir -p $(@D) && install -m 755 $< $@

build/lint/%.o: %.c Makefile | $(READY)
	$(call compile,-Werror)

SANITIZE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

build/asan/obj/%.o: %.c Makefile | $(READY)
	$(call compile,$(SANITIZE))

# It stays loaded, so that a report at exit still finds the names of the functions.
STAY_LOADED := -Wl,-z,nodelete

build/asan/build/lib/fstore/core.so: $(call library,build/asan/obj)
	$(call link,$(SANITIZE) $(STAY_LOADED))

# An interpreter that carries the sanitizers' runtime: preloading it would reach psql and initdb too, which then hang.
build/asan/bin/lua5.4: .ci/lua.c Makefile | $(READY)
	@mkdir -p $(@D) && echo "cc $@"
	@$(CC) -std=gnu11 -g $(WARNINGS) $(SANITIZE) $$(pkg-config --cflags lua5.4) $< -o $@ $$(pkg-config --libs lua5.4)

# The specs run in a second tree, links to this one but for build/: so the programs that they start are watched as well.
ASAN_BUILD := $(addprefix build/asan/,build/lib/fstore/core.so build/bin/fstore-lua bin/lua5.4)

asan: setup $(ASAN_BUILD) ## run the specs under the address and undefined behaviour sanitizers
	@ln -sfn $(patsubst %,../../%,$(filter-out build,$(wildcard *)) .busted .ci) build/asan
	@cd build/asan && PATH="$$PWD/bin:$$PATH" $(BUSTED) $(ARGS) $(SPEC)

valgrind: setup build ## run the specs under valgrind (slow)
	@valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=99 --keep-debuginfo=yes \
	  $(BUSTED) $(ARGS) $(SPEC)

-include $(foreach version,obj lint asan/obj,$(patsubst %.o,%.d,$(call objects,build/$(version))))

# --- Lint.

LUA_FILES = $(wildcard lua spec examples bench rockspec .ci/*.lua)
SQL_FILES = $(shell find sql -name '*.sql')
SH_FILES  = $(shell grep -rlE '^\#!.*[ /](ba)?sh$$' .ci examples bench spec 2>/dev/null)

lint: lint-c lint-lua lint-sql lint-sh lint-text ## check the sources of every language

lint-c: $(call objects,build/lint)
	@clang-format --dry-run -Werror $(SOURCES) $(wildcard csrc/*.h csrc/lua/*.h .ci/*.c)

lint-lua: $(READY)
	@luacheck -q --no-color $(LUA_FILES)

lint-sql: $(READY)
	@$(LUA) .ci/lint_sql.lua $(SQL_FILES)

lint-sh: $(READY)
	@shellcheck $(SH_FILES)

# No tabs, no blanks at the end of a line, no line of more than 120 columns.
lint-text:
	@! LC_ALL=C.UTF-8 grep -rnP '\t|[ \t]$$|^.{121}' $(addprefix --include=,'*.[ch]' '*.lua' '*.sql' '*.rockspec') \
	  $(wildcard csrc lua sql spec examples bench rockspec .ci)

# --- Packaging.

# On a copy: LuaRocks leaves its objects beside the sources.
install: $(READY) ## install through LuaRocks into /usr/local, or TREE=folder
	@rock=$$(mktemp -d) && trap 'rm -rf "$$rock"' EXIT && tree=$$(realpath -m "$(TREE:~/%=$(HOME)/%)") && \
	  cp -R csrc lua sql rockspec $(wildcard README.md LICENSE) "$$rock" && cd "$$rock" && \
	  LUAROCKS_CONFIG="$(CURDIR)/.ci/luarocks.lua" luarocks --lua-version 5.4 make --tree "$$tree"

clean: ## remove everything built
	rm -rf build
