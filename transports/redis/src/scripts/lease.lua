-- A sign of life of a consumer; renews its lease on the topic, or takes it if it is free and
-- wanted. ARGV: consumer, lease or '', milliseconds, whether to take a free one.
-- Returns {lease or '', consumers alive, milliseconds that another's lease has left, unsettled}.
local consumer, mine, ms, want = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local t = now()
insist()
redis.pcall('ZADD', members, t + ms, consumer)
redis.pcall('HSET', state, 'seen', t, 'lease:' .. consumer, ms)
local alive = redis.call('ZCOUNT', members, t, '+inf')
if mine ~= '' and owns(mine) then
  -- PEXPIRE is allowed when memory is full, SET is not.
  if redis.call('PEXPIRE', lease, ms) == 0 then redis.call('SET', lease, mine, 'PX', ms) end
  return { mine, alive, 0 }
end
if want == '1' and redis.call('EXISTS', lease) == 0 then
  mine = redis.call('HINCRBY', state, 'epoch', 1) .. ':' .. consumer
  redis.call('SET', lease, mine, 'PX', ms)
  return { mine, alive, 0 }
end
return { '', alive, redis.call('PTTL', lease) }
