--- A receiver of pushed events: an HTTP server in the test process, which answers while the process waits for something
--- else.
---
---   local receiver = require "spec.push.receiver"
---   local target = receiver.start(function(request) request:answer(200) end)
---   register_view { …, edge_function_url = target.url }
---   target.requests[1].event.data
local json = require "fstore.core".json
local loop = require "fstore.embedded.loop"
local process = require "fstore.embedded.process"
local uv = require "luv"

local receiver = {}

---@class spec.push.Request
---@field method string
---@field path string
---@field headers table<string, string> by names in lower case
---@field body string
---@field event table the body's JSON
---@field at number milliseconds
---@field connection integer number of the connection it came by
local Request = {}
Request.__index = Request

--- Answers; without it the request hangs.
---@param status integer
---@param headers table<string, string>?
---@param body string?
function Request:answer(status, headers, body)
  body = body or ""
  local lines = { ("HTTP/1.1 %d Whatever"):format(status), "Content-Length: " .. #body }
  for name, value in pairs(headers or {}) do
    lines[#lines + 1] = name .. ": " .. value
  end
  self:write(table.concat(lines, "\r\n") .. "\r\n\r\n" .. body)
end

--- Sends bytes as they are.
---@param bytes string
function Request:write(bytes)
  if not self.output:is_closing() then
    self.output:write(bytes)
  end
end

--- Answers after a while.
---@param milliseconds integer
---@param status integer
function Request:answer_after(milliseconds, status)
  local timer = uv.new_timer()
  timer:start(milliseconds, 0, function()
    timer:close()
    self:answer(status)
  end)
end

--- Ends the connection, by a reset if asked.
---@param by_reset boolean?
function Request:close(by_reset)
  if by_reset then
    self.output:close_reset()
  else
    self.output:close()
  end
end

---@class spec.push.Receiver
---@field url string
---@field port integer
---@field requests spec.push.Request[] all that came so far
---@field connections integer how many were opened
---@field most_at_once integer
local Receiver = {}
Receiver.__index = Receiver

local function parse_headers(head)
  local headers = {}
  for name, value in head:gmatch("\n([^:\r\n]+):%s*([^\r\n]*)") do
    headers[name:lower()] = value
  end
  return headers
end

-- Takes one whole request from the front of the text; nil when there is none yet.
local function parse(text)
  local head, from = text:match("^(.-\r\n)\r\n()")
  if not head then
    return nil, text
  end
  local headers = parse_headers(head)
  local length = tonumber(headers["content-length"] or "0")
  if #text - from + 1 < length then
    return nil, text
  end
  local method, path = head:match("^(%S+) (%S+)")
  local body = text:sub(from, from + length - 1)
  local request = { method = method, path = path, headers = headers, body = body, event = json.decode(body) }
  return request, text:sub(from + length)
end

-- Serves one connection, whose bytes come and go by these streams.
local function serve(self, input, output)
  local rest, number = "", self.connections + 1
  self.connections = number
  input:read_start(function(_, data)
    if not data then
      return not output:is_closing() and output:close()
    end
    local request
    request, rest = parse(rest .. data)
    while request do
      request.at, request.connection, request.output = uv.hrtime() / 1e6, number, output
      self.requests[#self.requests + 1] = request
      self.handler(setmetatable(request, Request))
      request, rest = parse(rest)
    end
  end)
end

local function new(handler)
  return setmetatable({ handler = handler, requests = {}, connections = 0, streams = {} }, Receiver)
end

--- Starts a receiver for http.
---@param handler fun(request: spec.push.Request)
---@return spec.push.Receiver
function receiver.start(handler)
  local self, server = new(handler), uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  self.server, self.port = server, server:getsockname().port
  self.url = ("http://127.0.0.1:%d/events"):format(self.port)
  assert(server:listen(128, function()
    local client = uv.new_tcp()
    server:accept(client)
    self.streams[#self.streams + 1] = client
    serve(self, client, client)
  end))
  return self
end

--- A port that nobody listens on.
---@return integer
function receiver.free_port()
  local socket = uv.new_tcp()
  assert(socket:bind("127.0.0.1", 0))
  local port = socket:getsockname().port
  loop.close(socket)
  return port
end

local function accepts(port)
  local socket, answer = uv.new_tcp(), nil
  socket:connect("127.0.0.1", port, function(err) answer = err or "yes" end)
  loop.wait(function() return answer end)
  loop.close(socket)
  return answer == "yes"
end

--- Starts a receiver for https, one connection at a time: openssl speaks TLS, and hands us what was said.
---@param certificate { cert: string, key: string } paths
---@param handler fun(request: spec.push.Request)
---@return spec.push.Receiver
function receiver.start_tls(certificate, handler)
  local self = new(handler)
  local input, output = uv.new_pipe(false), uv.new_pipe(false)
  self.port = receiver.free_port()
  self.url = ("https://localhost:%d/events"):format(self.port)
  self.process = assert(process.spawn({
    "openssl", "s_server", "-quiet", "-accept", "127.0.0.1:" .. self.port, "-cert", certificate.cert, "-key",
    certificate.key,
  }, { stdio = { input, output } }, function() self.is_gone = true end))
  self.streams = { input, output }
  serve(self, output, input)
  assert(loop.poll(function() return self.is_gone or accepts(self.port) end, 10000) and not self.is_gone)
  return self
end

--- The requests of one partition, in the order they came.
---@param decider_id string
---@return spec.push.Request[]
function Receiver:of(decider_id)
  local list = {}
  for _, request in ipairs(self.requests) do
    if request.event.decider_id == decider_id then
      list[#list + 1] = request
    end
  end
  return list
end

function Receiver:close()
  if self.process then
    self.process:kill("sigkill")
    loop.wait(function() return self.is_gone end)
  else
    loop.close(self.server)
  end
  for _, stream in ipairs(self.streams) do
    loop.close(stream)
  end
end

return receiver
