-- Removes dead letters, whoever holds them. ARGV: group, then ids.
-- Returns for each OK, or MISSING.
local group = ARGV[1]
if not delivered(group) then return wrong_type() or no_group() end
local out = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local key, found = letter_key(id)
  if found then
    redis.call('XDEL', dead, id)
    redis.call('ZREM', redeliver, lane_member(lane_named(key), id))
    forget_amended(id)
    if key and redis.call('ZREM', waiting, member(key, id)) == 1 then clear_if_empty(key) end
  end
  out[#out + 1] = found and 'OK' or 'MISSING'
end
redis.pcall('HSET', state, 'seen', now())
ring()
return out
