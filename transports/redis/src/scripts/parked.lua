-- The parked keys. ARGV: group. Returns {key, state, records} of each.
if not delivered(ARGV[1]) then return wrong_type() or no_group() end
local all, out = redis.call('HGETALL', parked), {}
for i = 1, #all, 2 do
  local from, to = bounds(all[i])
  out[#out + 1] = { all[i], all[i + 1], redis.call('ZLEXCOUNT', waiting, from, to) }
end
return out
