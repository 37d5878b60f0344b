-- Counts handlers that start. The retry count of a pending entry is one more than its attempts,
-- because reading it counts as the first.
-- ARGV: group, consumer, lease or '', then of each: 'l', id, attempts with this one; or 'r', id of
-- the letter, key; or 's', id of a redelivered letter, its lane; at the end the least and the greatest id of entries, or ''.
-- Returns, of each, the attempts with this one, or 0 if it has passed to somebody else.
local group, consumer, mine, least = ARGV[1], ARGV[2], ARGV[3], ARGV[#ARGV - 1]
if not owns(mine) then return stale() end
local out, f = {}, least ~= '' and facts() or nil
local whole = least ~= '' and not may_be_gone(least, f)

local function letter(id, set, m)
  if not redis.call('ZSCORE', set, m) then return 0 end
  local n = tonumber(redis.call('HGET', amended, id .. ':attempts') or nil)
  local found = not n and redis.call('XRANGE', dead, id, id)[1]
  for j = 1, found and #found[2] or 0, 2 do
    if found[2][j] == 'attempts' then
      n = tonumber(found[2][j + 1])
      break
    end
  end
  n = (n or 0) + 1
  redis.call('HSET', amended, id .. ':attempts', n)
  return n
end

-- Entries of the active consumer whose bodies are there: where the lease stands, what is pending
-- is its owner's.
local function together(ids, attempts)
  local claim = { 'XCLAIM', stream, group, consumer, '0' }
  for j, id in ipairs(ids) do claim[5 + j] = id end
  claim[#claim + 1] = 'RETRYCOUNT'
  claim[#claim + 1] = attempts + 1
  claim[#claim + 1] = 'JUSTID'
  local claimed = redis.call(unpack(claim))
  if #claimed == #ids then
    for _ = 1, #ids do out[#out + 1] = attempts end
    return
  end
  local is = {}
  for _, id in ipairs(claimed) do is[id] = attempts end
  for _, id in ipairs(ids) do out[#out + 1] = is[id] or 0 end
end

-- Competing consumers ask whose an entry is, and keep its idle time: a start is no heartbeat.
local function alone(id, attempts)
  local p
  if mine == '' then
    p = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
  else
    p = redis.call('XPENDING', stream, group, id, id, 1)[1]
  end
  if not p then return 0 end
  if not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1] then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', p[3], 'RETRYCOUNT', attempts + 1, 'JUSTID')
  end
  -- Claiming an entry whose body is gone would drop it, so there the count stays as it is.
  return attempts
end

local i = 4
while i < #ARGV - 1 do
  local what, id, arg = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  i = i + 3
  if what == 'r' then
    out[#out + 1] = letter(id, waiting, member(arg, id))
  elseif what == 's' then
    out[#out + 1] = letter(id, redeliver, lane_member(arg, id))
  elseif mine == '' or not whole then
    out[#out + 1] = alone(id, tonumber(arg))
  else
    local ids = { id }
    while ARGV[i] == 'l' and ARGV[i + 2] == arg do
      ids[#ids + 1] = ARGV[i + 1]
      i = i + 3
    end
    together(ids, tonumber(arg))
  end
end
return out
