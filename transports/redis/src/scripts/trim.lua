-- Removes what stands before an id, and tells the groups what that costs them.
-- KEYS go on with the state of each group; ARGV: the id, then the groups.
-- Returns how many were removed.
local cut = ARGV[1]
for i = 2, #ARGV do
  state = KEYS[11 + i]
  local at = delivered(ARGV[i])
  if at and before(at, cut) then
    local n, from = 0, '(' .. at
    repeat
      local chunk = redis.call('XRANGE', stream, from, '(' .. cut, 'COUNT', 200)
      n = n + #chunk
      if #chunk > 0 then from = '(' .. chunk[#chunk][1] end
    until #chunk < 200
    if n > 0 then
      local first = redis.call('XRANGE', stream, cut, '+', 'COUNT', 1)[1]
      note_loss(at, first and first[1] or '', n, 'trimmed before the group was handed them')
      -- They count as if the group had been handed them.
      if tonumber(redis.call('HGET', state, 'index') or nil) then redis.call('HINCRBY', state, 'index', n) end
    end
    redis.pcall('HSET', state, 'explained', cut)
  end
end
return redis.call('XTRIM', stream, 'MINID', cut)
