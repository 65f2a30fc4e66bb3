--- busted output handler for `make test SEED=file`: says of each defect whether the original schema shows it.
local busted = require "busted"

local defects = {} -- in order: { number =, titles = { { text =, is_shown = } } }

local function defect_of(number)
  local last = defects[#defects]
  if not last or last.number ~= number then
    last = { number = number, titles = {} }
    defects[#defects + 1] = last
  end
  return last
end

local function note(element, _, status)
  local number, title = element.name:match("^(D%d+): (.*)$")
  if number then table.insert(defect_of(number).titles, { text = title, is_shown = status == "success" }) end
  return nil, true
end

local function print_defect(defect)
  local is_shown = true
  for _, title in ipairs(defect.titles) do is_shown = is_shown and title.is_shown end
  for i, title in ipairs(defect.titles) do
    local mark = title.is_shown and "shown" or "not shown"
    io.write(("%-5s%-11s%s\n"):format(i == 1 and defect.number or "", mark, title.text))
  end
  return is_shown
end

local function summarise()
  local shown = 0
  io.write("\n\n")
  for _, defect in ipairs(defects) do shown = shown + (print_defect(defect) and 1 or 0) end
  io.write(("%d of %d defects shown\n"):format(shown, #defects))
  return nil, true
end

return function(options)
  busted.subscribe({ "test", "end" }, note)
  busted.subscribe({ "suite", "end" }, summarise, { priority = 1 })
  return require "spec.support.output"(options)
end
