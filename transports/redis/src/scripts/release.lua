-- Lets the parked records of a key be handed out. ARGV: group, key. Returns how many wait.
local group, key = ARGV[1], ARGV[2]
if not delivered(group) then return wrong_type() or no_group() end
local now_parked = redis.call('HGET', parked, key)
if not now_parked then return 0 end
if now_parked == 'parked' then
  redis.call('SADD', releasing, key)
  redis.call('HSET', parked, key, 'releasing')
  ring()
end
redis.pcall('HSET', state, 'seen', now())
local from, to = bounds(key)
return redis.call('ZLEXCOUNT', waiting, from, to)
