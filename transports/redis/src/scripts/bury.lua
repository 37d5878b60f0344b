-- Removes consumers that died, once nothing is pending for them: removing a consumer forgets what
-- it holds. ARGV: group. Returns how many dead ones still hold something.
local group, left = ARGV[1], 0
for _, consumer in ipairs(redis.call('ZRANGEBYSCORE', members, '-inf', '(' .. now(), 'LIMIT', 0, 100)) do
  local held = redis.pcall('XPENDING', stream, group, '-', '+', 1, consumer)
  if held.err then return held end
  if held[1] then
    left = left + 1
  else
    redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
    redis.call('ZREM', members, consumer)
    redis.call('HDEL', state, 'lease:' .. consumer)
  end
end
return left
