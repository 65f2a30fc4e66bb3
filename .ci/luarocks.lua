-- LuaRocks' configuration for Debian: argparse and luv are there but are no rocks, the headers of libpq and libcurl are
-- in subfolders. Used through LUAROCKS_CONFIG by `make install` and by the packaging specs.
rocks_provided = { argparse = "0.7.1-1", luv = "1.44.2-0" }
external_deps_subdirs = {
  include = { "include", "include/postgresql", "include/x86_64-linux-gnu", "include/aarch64-linux-gnu" },
}
