--- A plot as SVG: what a poll and a lease cost, by the number of deciders; both axes logarithmic.
local plot = {}

local WIDTH <const>, HEIGHT <const> = 720, 420
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 70, 190, 40, 50
local FIRST_X <const>, LAST_X <const> = 3, 6 -- powers of ten: deciders
local FIRST_Y <const>, LAST_Y <const> = -2, 4 -- milliseconds

local function log10(number)
  return math.log(number, 10)
end

local function x_of(power)
  return LEFT + (power - FIRST_X) / (LAST_X - FIRST_X) * (WIDTH - LEFT - RIGHT)
end

local function y_of(power)
  return HEIGHT - BOTTOM - (power - FIRST_Y) / (LAST_Y - FIRST_Y) * (HEIGHT - TOP - BOTTOM)
end

local function text(x, y, anchor, words)
  return ('<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>'):format(x, y, anchor, words)
end

local function line(x1, y1, x2, y2)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#ddd"/>'):format(x1, y1, x2, y2)
end

local function grouped(number)
  return (("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function axes()
  local parts = {
    text(LEFT, 22, "start", "Cost of a poll and of a lease of 10 events, in milliseconds"),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "middle", "deciders"),
  }
  for power = FIRST_X, LAST_X do
    parts[#parts + 1] = line(x_of(power), TOP, x_of(power), HEIGHT - BOTTOM)
    parts[#parts + 1] = text(x_of(power), HEIGHT - BOTTOM + 18, "middle", grouped(10 ^ power // 1))
  end
  for power = FIRST_Y, LAST_Y do
    parts[#parts + 1] = line(LEFT, y_of(power), WIDTH - RIGHT, y_of(power))
    parts[#parts + 1] = text(LEFT - 8, y_of(power) + 4, "end", ("%g"):format(10.0 ^ power))
  end
  return table.concat(parts, "\n")
end

local function curve(sizes, results, name, label, style)
  local points = {}
  for index, size in ipairs(sizes) do
    points[index] = ("%.1f,%.1f"):format(x_of(log10(size)), y_of(log10(results[index][name])))
  end
  local end_x, end_y = points[#points]:match("(.*),(.*)")
  return ('<polyline points="%s" fill="none" stroke-width="2" %s/>\n'):format(table.concat(points, " "), style)
    .. text(end_x + 8, end_y + 4, "start", label)
end

---@param path string
---@param sizes integer[] deciders
---@param ours { poll: number, lease: number }[] milliseconds
---@param theirs { poll: number, lease: number }[]? of the original schema
function plot.save(path, sizes, ours, theirs)
  local curves = {
    curve(sizes, ours, "poll", "idle poll", 'stroke="#0a7d4f"'),
    curve(sizes, ours, "lease", "lease of 10", 'stroke="#0a7d4f" stroke-dasharray="6 4"'),
  }
  if theirs then
    curves[#curves + 1] = curve(sizes, theirs, "poll", "idle poll, original", 'stroke="#b3402e"')
    curves[#curves + 1] = curve(sizes, theirs, "lease", "lease of 10, original",
      'stroke="#b3402e" stroke-dasharray="6 4"')
  end
  local file = assert(io.open(path, "w"))
  file:write(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">\n')
    :format(WIDTH, HEIGHT), '<rect width="100%" height="100%" fill="white"/>\n', axes(), "\n",
    table.concat(curves, "\n"), "\n</svg>\n")
  file:close()
end

return plot
