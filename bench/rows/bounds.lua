--- What no append can be faster than: a plain INSERT and the least that the guarantees ask for. No checks, no words.
local events = require "bench.events"

local SECONDS <const> = 1
local VIEWS <const> = 3

-- I2 needs the event before, whatever is then made of it.
local LOOK_UP <const> = [[
  PERFORM FROM events AS p WHERE p.event_id = NEW.previous_id;]]

-- I6 needs each view's lock to know of the event.
local MOVE_LOCKS <const> = [[
  IF NEW.previous_id IS NULL THEN
    INSERT INTO locks (view, decider_id, "offset", last_offset, pending_from, offset_final)
    SELECT v.view, NEW.decider_id, NEW."offset", 0, NEW."offset", NEW.final FROM views AS v;
  ELSE
    UPDATE locks SET "offset" = NEW."offset" WHERE decider_id = NEW.decider_id;
  END IF;]]

local TRIGGER <const> = [[
  SET search_path = %s;
  CREATE FUNCTION bound() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s RETURN NEW; END $$;
  CREATE TRIGGER t_bound BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION bound()]]

local function with_trigger(server, body)
  local schema = server:plain(VIEWS)
  local connection <close> = server:connect()
  assert(connection:exec(TRIGGER:format(schema, body)))
  return schema
end

local function inserts(server, schema, clients)
  return function()
    return server:baseline("single", { sql = events.INSERT, seconds = SECONDS, clients = clients, schema = schema })
  end
end

return function(server, compare)
  local plain, looking, moving = server:plain(), with_trigger(server, LOOK_UP), with_trigger(server, MOVE_LOCKS)
  for _, bound in ipairs { { "looks one event up", looking }, { "moves three locks", moving } } do
    compare:run(("an INSERT that only %s, 1 client"):format(bound[1]), "ev/s", {
      rounds = 7, targets = { { of = "plain INSERT" } },
      sides = {
        { name = "ours", run = inserts(server, bound[2], 1) },
        { name = "plain INSERT", run = inserts(server, plain, 1) },
      },
    })
  end
  local original = server:original(VIEWS)
  for _, bound in ipairs { { "an INSERT that only moves three locks", moving }, { "plain INSERT", plain } } do
    compare:run(bound[1] .. ", 8 clients", "ev/s", {
      rounds = 5, targets = { { of = "original" } },
      sides = {
        { name = "ours", run = inserts(server, bound[2], 8) },
        original and { name = "original", run = function()
          return server:appenders { schema = original, seconds = SECONDS, clients = 8, is_original = true }
        end },
      },
    })
  end
end
