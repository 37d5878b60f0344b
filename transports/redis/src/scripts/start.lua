-- Counts handlers that start. The retry count of a pending entry is one more than its attempts,
-- because reading it counts as the first.
-- ARGV: group, consumer, lease or '', (unused), then runs:
--   l ATTEMPTS N ID…   entries on which that many handlers were started, these included
--   r ID KEY           a released letter, by its id
--   s ID LANE          a redelivered letter, by its id
-- and at the end the least and the greatest id of entries, or ''.
-- Returns of each run the attempts, these included, or 0 if it has passed to somebody else; where
-- it differs within a run, a list.
local group, consumer, mine, least = ARGV[1], ARGV[2], ARGV[3], ARGV[#ARGV - 1]
if not owns(mine) then return stale() end
local f = least ~= '' and facts() or nil
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
local function together(attempts, from, to)
  local claim = { 'XCLAIM', stream, group, consumer, '0', unpack(ARGV, from, to) }
  claim[#claim + 1] = 'RETRYCOUNT'
  claim[#claim + 1] = attempts + 1
  claim[#claim + 1] = 'JUSTID'
  local claimed = redis.call(unpack(claim))
  if #claimed == to - from + 1 then return attempts end
  local is, each = {}, {}
  for _, id in ipairs(claimed) do is[id] = attempts end
  for i = from, to do each[#each + 1] = is[ARGV[i]] or 0 end
  return each
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

local out, i = {}, 5
while i < #ARGV - 1 do
  local what, id, arg = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if what == 'r' then
    out[#out + 1] = letter(id, waiting, member(arg, id))
    i = i + 3
  elseif what == 's' then
    out[#out + 1] = letter(id, redeliver, lane_member(arg, id))
    i = i + 3
  else
    local attempts, from, to = tonumber(ARGV[i + 1]), i + 3, i + 2 + ARGV[i + 2]
    if mine ~= '' and whole then
      out[#out + 1] = together(attempts, from, to)
    else
      local each = {}
      for j = from, to do each[#each + 1] = alone(ARGV[j], attempts) end
      out[#out + 1] = each
    end
    i = to + 1
  end
end
return out
