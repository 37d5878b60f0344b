-- Takes over entries that were handed out and not settled, in the order of the stream; those
-- whose body is gone are cleared and noted as lost.
-- ARGV: group, consumer, lease or '', idle for at least so many ms or 0 for all, from (as XPENDING
-- takes it), how many to look at. What another consumer of ours holds must be idle for as long as
-- the lease of that one.
-- Returns {entries as {id, retry count, fields}, gap or false, the last id looked at or '', the id up
-- to which the group was handed everything}.
local group, consumer, mine, idle, from, count = unpack(ARGV)
if not owns(mine) then return stale() end
idle = tonumber(idle)
local leases, least = {}, idle
if idle > 0 then
  for _, name in ipairs(redis.call('ZRANGE', members, 0, -1)) do
    leases[name] = tonumber(redis.call('HGET', state, 'lease:' .. name) or nil)
    if leases[name] and leases[name] < least then least = leases[name] end
  end
end
local at = delivered(group)
if not at then return wrong_type() or no_group() end
count_started(group)
local function is_free(p) return idle == 0 or p[3] >= (leases[p[2]] or idle) end
-- All that was trimmed first, however much it is: one loss, told once.
clear_gone(group, facts(), is_free)
local pending = redis.pcall('XPENDING', stream, group, 'IDLE', least, from, '+', count)
if pending.err then return pending end
local out, ids, last, lost = {}, {}, '', 0
for _, p in ipairs(pending) do
  last = p[1]
  local free = is_free(p)
  local entry = free and redis.call('XRANGE', stream, last, last)[1]
  if entry then
    ids[#ids + 1] = last
    out[#out + 1] = { last, p[4], entry[2] }
  elseif free then
    redis.call('XACK', stream, group, last)
    lost = lost + 1
  end
end
if lost > 0 then note_loss('', '', lost, IN_HAND) end
if #ids > 0 then
  ids[#ids + 1] = 'JUSTID'
  redis.call('XCLAIM', stream, group, consumer, 0, unpack(ids))
end
if #pending < tonumber(count) then last = '' end
return { out, take_gap(), last, at }
