-- Ends holdings, each by itself, in the order given.
-- ARGV: group, consumer, lease of the owner or '', lease asked of competing consumers for what
-- was released or '', the settlements, and the least and the greatest id of entries, or '':
--   a N ID…                             acked
--   r ID                                given back
--   d ID N FIELD VALUE…                 dead letter, N words
--   p ID KEY REASON(0|1) N FIELD VALUE… parked
--   A ID KEY, R ID KEY                  a released letter, by its id: acked, given back
--   D ID KEY N FIELD VALUE…             … failed for good; N words that replace what it says
--   P ID KEY N FIELD VALUE…             … parked again
--   X ID LANE, Y ID LANE                a redelivered letter, by its id: acked, given back
--   Z ID LANE N FIELD VALUE…            … failed for good; N words that replace what it says
-- Returns for each OK, STALE, NOTPARKED, or the text of an error; of a run of acks one for all, or
-- a list.
local group, consumer, mine, releaser, greatest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[#ARGV]
if not owns(mine) then return stale() end
local out, i, changed, bell, gone = {}, 5, false, false, nil

local function pending(id)
  if mine == '' then return redis.call('XPENDING', stream, group, id, id, 1, consumer)[1] end
  return redis.call('XPENDING', stream, group, id, id, 1)[1]
end

-- The N words that follow, as arguments of a command.
local function words(command)
  local n = tonumber(ARGV[i])
  for j = i + 1, i + n do command[#command + 1] = ARGV[j] end
  i = i + n + 1
  return command
end

local function ack(id)
  if mine == '' and not pending(id) then return 'STALE' end
  if redis.call('XACK', stream, group, id) == 0 then return 'STALE' end
  changed = true
  return 'OK'
end

-- Many acks of the active consumer. Which of several was not pending cannot be told from their
-- number; the group is past each of them in any case.
local function ack_together(from, to)
  if redis.call('XACK', stream, group, unpack(ARGV, from, to)) == 0 then return 'STALE' end
  changed = true
  return 'OK'
end

local function give_back(id)
  local p = pending(id)
  if not p then return 'STALE' end
  if mine ~= '' then return 'OK' end
  gone = gone or facts()
  if may_be_gone(id, gone) and not redis.call('XRANGE', stream, id, id)[1] then
    redis.call('XACK', stream, group, id)
    note_loss('', '', 1, 'removed by others while a consumer had it in hand')
    changed = true
  else
    -- Idle for a year: the next to look takes it.
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', 31536000000, 'JUSTID')
  end
  bell = true
  return 'OK'
end

local function bury(id, letter)
  if not pending(id) then return 'STALE' end
  local stored = redis.pcall(unpack(letter))
  if type(stored) == 'table' then return stored.err end
  redis.call('XACK', stream, group, id)
  changed = true
  return 'OK'
end

local function park(id, key, reason, letter)
  local now_parked = redis.call('HGET', parked, key)
  if not reason and not now_parked then return 'NOTPARKED' end
  if not pending(id) then return 'STALE' end
  local stored = redis.pcall(unpack(letter))
  if type(stored) == 'table' then return stored.err end
  redis.call('ZADD', waiting, 0, member(key, stored))
  if reason then
    redis.call('HSET', parked, key, 'parked')
    redis.call('SREM', releasing, key)
  elseif now_parked == 'releasing' then
    bell = true
  end
  redis.call('XACK', stream, group, id)
  changed = true
  return 'OK'
end

-- A letter that was handed out is done, or says from now on why it failed again.
local function finish(done, id, amendment)
  if done then
    redis.call('XDEL', dead, id)
    forget_amended(id)
  else
    for j = 1, #amendment, 2 do redis.call('HSET', amended, id .. ':' .. amendment[j], amendment[j + 1]) end
  end
end

local function released(what, id, key, amendment)
  if not owns(releaser) or not redis.call('ZSCORE', waiting, member(key, id)) then return 'STALE' end
  if what == 'R' then return 'OK' end
  if what == 'P' then
    redis.call('HSET', parked, key, 'parked')
    redis.call('SREM', releasing, key)
  else
    redis.call('ZREM', waiting, member(key, id))
    clear_if_empty(key)
  end
  finish(what == 'A', id, amendment)
  return 'OK'
end

local function redelivered(what, id, lane, amendment)
  local m = lane_member(lane, id)
  if not owns(releaser) or not redis.call('ZSCORE', redeliver, m) then return 'STALE' end
  if what == 'Y' then return 'OK' end
  redis.call('ZREM', redeliver, m)
  finish(what == 'X', id, amendment)
  return 'OK'
end

while i < #ARGV - 1 do
  local what, id, result = ARGV[i], ARGV[i + 1], nil
  i = i + 2
  if what == 'a' then
    local from, to = i, i - 1 + id
    i = to + 1
    if mine ~= '' then
      result = ack_together(from, to)
    else
      result = {}
      for j = from, to do result[#result + 1] = ack(ARGV[j]) end
    end
  elseif what == 'r' then
    result = give_back(id)
  elseif what == 'd' then
    result = bury(id, words({ 'XADD', dead, '*' }))
  elseif what == 'p' then
    local key, reason = ARGV[i], ARGV[i + 1] == '1'
    i = i + 2
    result = park(id, key, reason, words({ 'XADD', dead, '*' }))
  else
    local key = ARGV[i]
    i = i + 1
    local amendment = (what == 'D' or what == 'P' or what == 'Z') and words({}) or nil
    local settle = (what == 'X' or what == 'Y' or what == 'Z') and redelivered or released
    result = settle(what, id, key, amendment)
  end
  out[#out + 1] = result
end

if changed then
  -- Everything up to the floor is settled: there the group begins again if it gets lost.
  local summary = redis.call('XPENDING', stream, group)
  local floor = redis.call('HGET', state, 'floor') or '0-0'
  if summary[1] > 0 then
    floor = just_before(summary[2])
  elseif before(floor, greatest) then
    floor = greatest
  end
  redis.pcall('HSET', state, 'floor', floor)
  if summary[1] == 0 then
    redis.call('DEL', started)
  elseif mine ~= '' then
    forget_started(group, floor)
  end
end
if bell then ring() end
return out
