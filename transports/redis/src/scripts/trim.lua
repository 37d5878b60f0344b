-- Removes what stands before an id, and tells the groups what that costs them where Redis does not
-- count (before version 7). KEYS go on with the state of each group; ARGV: the id, then the groups.
-- Returns how many were removed.
local cut, f = ARGV[1], facts()
if f and not f.added then
  for i = 2, #ARGV do
    state = KEYS[9 + i]
    local at = delivered(ARGV[i])
    if at and before(at, cut) then
      local n, from, first = 0, '(' .. at, nil
      repeat
        local chunk = redis.call('XRANGE', stream, from, '(' .. cut, 'COUNT', 200)
        n = n + #chunk
        if #chunk > 0 then from = '(' .. chunk[#chunk][1] end
      until #chunk < 200
      if n > 0 then note_loss(at, '', n, 'trimmed before the group was handed them') end
      redis.pcall('HSET', state, 'explained', cut)
    end
  end
end
return redis.call('XTRIM', stream, 'MINID', cut)
