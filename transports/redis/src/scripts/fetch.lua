-- Hands new entries to a competing consumer, and finds out whether entries were lost.
-- ARGV: group, consumer, how many.
-- Returns {entries, gap or false, the id up to which the group was handed everything}.
local group, consumer, count = ARGV[1], ARGV[2], tonumber(ARGV[3])
local at, read = delivered(group)
if not at then return wrong_type() or no_group() end
local f = facts()
local s = redis.call('HMGET', state, 'position', 'index', 'gap_kind', 'explained', 'read')
local index, lost = account(at, read, '', 0, '', s[1], s[2], s[5], f), false
index, lost = find_loss(at, index, f, s[4], s[1], s[2])
local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
if reply and reply.err then return reply end
local entries = reply and reply[1][2] or {}
if #entries > 0 then
  at = entries[#entries][1]
  index = index and index + #entries
end
if s[1] ~= at or tonumber(s[2]) ~= index then
  keep(at, index, f, read and read + #entries)
end
return { entries, (lost or s[3]) and take_gap() or false, at }
