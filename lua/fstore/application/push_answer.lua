--- What the answer of a receiver means for the event that was pushed to it.

---@class fstore.PushVerdict
---@field outcome "delivered"|"left"|"later"|"failed" left: to the receiver, who acks; later: when the receiver says
---@field error string? why it is put off
---@field retry_in integer? milliseconds, when the receiver says so
---@field is_throttled boolean? the receiver wants fewer events altogether

local push_answer = {}

local LONGEST_RETRY_AFTER_S <const> = 3600
local LONGEST_EXCERPT <const> = 200

-- The first line, as text that a terminal and the database take.
local function first_line(body)
  local line = body:match("[^\r\n]*"):sub(1, LONGEST_EXCERPT):gsub("%c", " ")
  local _, fault = utf8.len(line)
  return fault and line:sub(1, fault - 1) or line
end

-- A receiver may send back what it was sent: what it says is shown only when the URL holds no secret.
local function describe(answer, receiver)
  local text = ("%s answered %d"):format(receiver.origin, answer.status)
  if answer.status // 100 == 3 then
    return text .. ", redirects are not followed"
  end
  local line = receiver.has_secrets and "" or first_line(answer.body)
  return line == "" and text or text .. ": " .. line
end

---@param answer fstore.HttpAnswer
---@param receiver { origin: string, has_secrets: boolean }
---@return fstore.PushVerdict
function push_answer.judge(answer, receiver)
  local status = answer.status
  if answer.error then
    return { outcome = "failed", error = ("%s: %s"):format(receiver.origin, first_line(answer.error)) }
  elseif status == 202 then
    return { outcome = "left" }
  elseif status // 100 == 2 then
    return { outcome = "delivered" }
  elseif (status == 429 or status == 503) and answer.retry_after_s > 0 then
    return {
      outcome = "later", error = describe(answer, receiver), is_throttled = status == 429,
      retry_in = math.min(answer.retry_after_s, LONGEST_RETRY_AFTER_S) * 1000,
    }
  end
  return { outcome = "failed", error = describe(answer, receiver) }
end

return push_answer
