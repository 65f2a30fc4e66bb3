#!/usr/bin/env lua5.4
-- Checks SQL files:  lint_sql.lua FILE…
-- Keywords are in upper case, and every object that a file creates has a COMMENT in the same file.

local KEYWORDS = {}
for word in ([[
  ALTER ANALYZE AND AS ASC BEFORE BEGIN BETWEEN BY CASCADE CASE CHECK COMMENT COMMIT CONFLICT CONSTANT
  CONSTRAINT CREATE CROSS DECLARE DEFAULT DEFERRABLE DELETE DESC DISTINCT DO DROP EACH ELSE ELSIF END EXCEPT EXCEPTION
  EXECUTE EXISTS FETCH FOR FOREIGN FROM FUNCTION GENERATED GRANT GROUP HAVING IF IMMUTABLE IN INDEX INNER INSERT
  INSTEAD INTERSECT INTO IS JOIN LANGUAGE LATERAL LEFT LIKE LIMIT LOCKED LOOP MATERIALIZED NOT NOTHING NULL ON OR ORDER
  OUTER OVER PARTITION PERFORM PRIMARY RAISE RECURSIVE REFERENCES RETURN RETURNING RETURNS RIGHT ROLLBACK
  SELECT SETOF SKIP STABLE STORED TABLE THEN TO TRUNCATE UNION UNIQUE UPDATE USING VALUES VOLATILE
  WHEN WHERE WHILE WITH
]]):gmatch("%u+") do KEYWORDS[word] = true end

local COMMENTED = {}
for kind in ("TABLE VIEW INDEX SEQUENCE FUNCTION PROCEDURE TRIGGER RULE TYPE DOMAIN"):gmatch("%u+") do
  COMMENTED[kind] = true
end

--- Blanks comments, strings and psql's own commands, keeping line breaks; the bodies of functions stay.
---@param text string
---@return string
local function code_of(text)
  local out, at = {}, 1
  local function blank(stop)
    out[#out + 1] = text:sub(at, stop):gsub("[^\n]", " ")
    at = stop + 1
  end
  text = text:gsub("\\%a[^\n]*", function(command) return (" "):rep(#command) end)
  while at <= #text do
    local from = text:find("['%-/\"]", at) or #text + 1
    out[#out + 1] = text:sub(at, from - 1)
    at = from
    local two = text:sub(at, at + 1)
    if two == "--" then blank((text:find("\n", at, true) or #text + 1) - 1)
    elseif two == "/*" then blank(select(2, text:find("*/", at + 2, true)) or #text)
    elseif two:sub(1, 1) == "'" then blank(text:find("'", at + 1, true) or #text)
    elseif two:sub(1, 1) == '"' then
      local stop = text:find('"', at + 1, true) or #text
      out[#out + 1] = text:sub(at, stop)
      at = stop + 1
    else
      out[#out + 1] = two:sub(1, 1)
      at = at + 1
    end
  end
  return table.concat(out)
end

---@param code string
---@param at integer
---@return integer
local function line_of(code, at)
  return select(2, code:sub(1, at):gsub("\n", "")) + 1
end

---@param code string
---@return fun(): string, string, integer  kind, name and position of each object that is created
local function creations(code)
  return coroutine.wrap(function()
    for at, rest in code:gmatch("()CREATE%s+([^;]*)") do
      local head = rest:gsub("^OR%s+REPLACE%s+", ""):gsub("^UNIQUE%s+", ""):gsub("^CONSTRAINT%s+", "")
        :gsub("^(%u+)%s+IF%s+NOT%s+EXISTS", "%1")
      local kind, name = head:match("^(%u+)%s+([%w_\".]+)")
      if COMMENTED[kind] then coroutine.yield(kind, name, at) end
    end
  end)
end

---@param path string
---@return integer problems
local function check(path)
  local file <close> = assert(io.open(path))
  local code = code_of(file:read("a"))
  local problems = 0
  local function report(at, message)
    problems = problems + 1
    io.write(("%s:%d: %s\n"):format(path, line_of(code, at), message))
  end
  for at, word in code:gsub('"[^"]*"', function(quoted) return (" "):rep(#quoted) end):gmatch("()([%a_][%w_]*)") do
    if KEYWORDS[word:upper()] and word ~= word:upper() then report(at, "keyword in lower case: " .. word) end
  end
  local commented = {}
  for kind, name in code:gmatch("COMMENT%s+ON%s+(%u+)%s+([%w_\".]+)") do commented[kind .. " " .. name] = true end
  for kind, name, at in creations(code) do
    if not commented[kind .. " " .. name] then report(at, ("no COMMENT ON %s %s"):format(kind, name)) end
  end
  return problems
end

local problems = 0
for _, path in ipairs(arg) do problems = problems + check(path) end
os.exit(problems == 0)
