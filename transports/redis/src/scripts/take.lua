-- Behind a wait of the active consumer: a look, the read, and where it is asked for the first starts of
-- what was read, all in one step. For few and small entries: Lua copies every body twice.
-- ARGV: group, consumer, lease, of the last read from where, how many, up to where; how many now, whether
-- to note their starts.
-- Returns {the id up to which the group was handed everything before, gap or false, entries, noted}.
local group, consumer, mine, from, n, upto, count, start = unpack(ARGV)
-- Its own alone: who has left, or was silent for too long, may be here still.
if redis.call('GET', lease) ~= mine then return stale() end
local seen = look(group, from, n, upto)
if seen.err then return seen end
local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
if reply and reply.err then return reply end
local entries, noted = reply and reply[1][2] or {}, 0
if start == '1' and entries[1] and seen[1] == upto then
  local ids = {}
  for i, entry in ipairs(entries) do ids[i] = entry[1] end
  if note_started(ids[1], ids[#ids], table.concat(ids, ' ')) then noted = 1 end
end
seen[3], seen[4] = entries, noted
return seen
