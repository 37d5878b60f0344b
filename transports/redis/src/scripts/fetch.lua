-- Hands out new entries, if the lease stands, and finds out whether entries were lost.
-- ARGV: group, consumer, lease or '', how many.
-- Returns {entries, gap or false, the id up to which the group was handed everything}.
local group, consumer, mine, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not owns(mine) then return stale() end
local at = delivered(group)
if not at then return wrong_type() or no_group() end
local f = facts()
local s = redis.call('HMGET', state, 'position', 'index', 'oldest', 'gap_kind', 'explained')
-- Somebody else may have moved the group: then what was counted says nothing.
local index = s[1] == at and tonumber(s[2]) or nil
local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
if reply and reply.err then return reply end
local entries = reply and reply[1][2] or {}
local n = #entries
local cause = 'removed by others before the group was handed them'
local lost, from, to, vague = 0, '', '', ''
if f.first and before(at, f.first) then from, to = at, f.first end
local was = index
if f.added then
  if n < count or entries[n][1] == f.last then
    -- The end: all that was ever added was handed out by now, or is lost.
    if index then lost = f.added - index - n end
    index = f.added
  elseif index then
    -- Nothing handed out before is left in the stream: all of it is still to come, or is lost.
    if to ~= '' then lost = f.added - index - f.length end
    index = index + n + math.max(lost, 0)
    -- Something after `at` was removed, and only the end tells how much.
    if to == '' and not before(f.deleted, at) then vague = '1' end
  end
  if lost > 0 then note_loss(from, to, lost, cause) end
else
  -- Redis 6 counts nothing. That a group that was handed nothing yet lost the very first entries
  -- of a topic cannot be seen.
  local till = f.first or f.last
  local known = s[5] and s[5] ~= '' and before(at, s[5])
  if before(at, till) and at ~= '0-0' and not known and (to ~= '' or f.length == 0) then
    note_loss(at, to, nil, cause)
    redis.pcall('HSET', state, 'explained', till)
  end
end
if n > 0 then
  at = entries[n][1]
  local oldest = s[3] and s[3] ~= '' and s[3] or entries[1][1]
  redis.pcall('HSET', state, 'position', at, 'index', index or '', 'oldest', oldest, 'added', f.added or '',
    'vague', vague)
elseif index ~= was or s[1] ~= at then
  redis.pcall('HSET', state, 'position', at, 'index', index or '', 'added', f.added or '', 'vague', vague)
end
local gap = false
if s[4] or lost > 0 or not f.added then gap = take_gap() end
return { entries, gap, at }
