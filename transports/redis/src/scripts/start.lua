-- Counts handlers that start. The retry count of a pending entry is one more than its attempts,
-- because reading it counts as the first; what the active consumer starts for the first time is
-- noted by runs, and counted in its entries later.
-- ARGV: group, consumer, lease or '', (unused), then runs:
--   f LEAST GREATEST IDS   entries of the active consumer on which no handler was started before: the
--                          ids at the ends, and all of them in one word
--   l ATTEMPTS N ID…       entries on which that many handlers were started, these included
--   r ID KEY               a released letter, by its id
--   s ID LANE              a redelivered letter, by its id
-- and at the end the least and the greatest id of entries, or ''.
-- Returns of each run the attempts, these included, or 0 if it has passed to somebody else; where
-- it differs within a run, a list.
local group, consumer, mine = ARGV[1], ARGV[2], ARGV[3]
if not owns(mine) then return stale() end
local f

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
  local claim = { 'XCLAIM', stream, group, consumer, '0', unpack(ids) }
  claim[#claim + 1] = 'RETRYCOUNT'
  claim[#claim + 1] = attempts + 1
  claim[#claim + 1] = 'JUSTID'
  local claimed = redis.call(unpack(claim))
  if #claimed == #ids then return attempts end
  local is, each = {}, {}
  for _, id in ipairs(claimed) do is[id] = attempts end
  for _, id in ipairs(ids) do each[#each + 1] = is[id] or 0 end
  return each
end

local function pending(id)
  if mine == '' then return redis.call('XPENDING', stream, group, id, id, 1, consumer)[1] end
  return redis.call('XPENDING', stream, group, id, id, 1)[1]
end

-- Competing consumers ask whose an entry is, and keep its idle time: a start is no heartbeat.
local function alone(id, attempts)
  local p = pending(id)
  if not p then return 0 end
  if not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1] then
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', p[3], 'RETRYCOUNT', attempts + 1, 'JUSTID')
  end
  -- Claiming an entry whose body is gone would drop it, so there the count stays as it is.
  return attempts
end

local function counted(ids, attempts)
  f = f or facts()
  if mine ~= '' and not may_be_gone(ARGV[#ARGV - 1], f) then return together(ids, attempts) end
  local each = {}
  for _, id in ipairs(ids) do each[#each + 1] = alone(id, attempts) end
  return each
end

-- What the active consumer was handed stays pending until it settles it, or somebody moves the
-- group: then neither end is.
local function noted(least, greatest, ids)
  local in_hand = pending(least) and (least == greatest or pending(greatest))
  if in_hand and note_started(least, greatest, ids) then return 1 end
  local each = {}
  for id in string.gmatch(ids, '%S+') do each[#each + 1] = id end
  return counted(each, 1)
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
  elseif what == 'f' then
    out[#out + 1] = noted(id, arg, ARGV[i + 3])
    i = i + 4
  else
    local from, to = i + 3, i + 2 + arg
    out[#out + 1] = counted({ unpack(ARGV, from, to) }, tonumber(id))
    i = to + 1
  end
end
return out
