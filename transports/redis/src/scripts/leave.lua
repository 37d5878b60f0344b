-- Gives up the lease, and at closing also what the consumer holds and its place in the group.
-- ARGV: group, consumer, lease or '', whether the consumer closes, whether it competed, and of the
-- last read: from where, how many, up to where.
local group, consumer, mine, closing, competed, from, n, upto = unpack(ARGV)
local at, read = delivered(group)
if at and mine ~= '' and owns(mine) then
  local s = redis.call('HMGET', state, 'position', 'index', 'read')
  count_started(group)
  insist()
  local f = facts()
  keep(at, account(at, read, from, n, upto, s[1], s[2], s[3], f), f, read)
end
if mine ~= '' and redis.call('GET', lease) == mine then redis.call('DEL', lease) end
if closing == '1' then
  local left = redis.pcall('XPENDING', stream, group, '-', '+', 1, consumer)
  if left.err or not left[1] then
    redis.pcall('XGROUP', 'DELCONSUMER', stream, group, consumer)
    redis.call('ZREM', members, consumer)
    redis.call('HDEL', state, 'lease:' .. consumer)
  else
    -- Whoever takes these over removes the consumer.
    redis.pcall('ZADD', members, 0, consumer)
    local from, f = '-', facts()
    if at then clear_gone(group, f, function(p) return p[2] == consumer end) end
    while competed == '1' do
      local held = redis.call('XPENDING', stream, group, from, '+', 500, consumer)
      for _, p in ipairs(held) do
        if not may_be_gone(p[1], f) or redis.call('XRANGE', stream, p[1], p[1])[1] then
          redis.call('XCLAIM', stream, group, consumer, 0, p[1], 'IDLE', 31536000000, 'JUSTID')
        else
          redis.call('XACK', stream, group, p[1])
          note_loss('', '', 1, 'removed by others while a consumer had it in hand')
        end
      end
      if #held < 500 then break end
      from = '(' .. held[#held][1]
    end
  end
end
ring()
return 1
