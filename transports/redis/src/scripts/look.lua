-- Before the active consumer reads: whether it still is the active one, where the group stands, and
-- whether entries were lost. The read follows in the same transaction as a command of its own,
-- because Lua would copy every body twice.
-- ARGV: group, lease, and of the last read: from where, how many, up to where.
-- Returns {the id up to which the group was handed everything, gap or false}.
local group, mine, from, n, upto = unpack(ARGV)
if not owns(mine) then return stale() end
local at, read = delivered(group)
if not at then return wrong_type() or no_group() end
local f = facts()
local s = redis.call('HMGET', state, 'position', 'index', 'gap_kind', 'explained', 'read')
local index, lost = account(at, read, from, n, upto, s[1], s[2], s[5], f), false
-- Moved back by hand, or by a crash of the server: what is read anew after this was not started.
local rolled_back = false
if at ~= upto and before(at, upto) then
  count_started(group)
  -- Where what we were handed is not there any more and was not trimmed, the log went back to an
  -- earlier state, and nobody knows what else it had then. Said once.
  local missing = before(f.last, upto)
    or f.first and not before(upto, f.first) and not redis.call('XRANGE', stream, upto, upto)[1]
  if missing and redis.call('HGET', state, 'rolled_back') ~= upto then
    note_loss(at, '', nil, 'the log went back to an earlier state, as after a fail-over to a replica that lagged')
    redis.pcall('HSET', state, 'rolled_back', upto)
    rolled_back = true
  end
end
index, lost = find_loss(at, index, f, s[4], s[1], s[2])
if s[1] ~= at or tonumber(s[2]) ~= index or not is_agreed(s[5], index, f) then
  local agreed = agree(group, at, read, index, f)
  keep(at, index, f, agreed, 'read', agreed)
end
return { at, (lost or rolled_back or s[3]) and take_gap() or false }
