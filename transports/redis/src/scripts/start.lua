-- Counts handlers that start. The retry count of a pending entry is one more than its attempts,
-- because reading it counts as the first.
-- ARGV: group, consumer, lease or '', then of each: 'l', id, attempts with this one; or 'r', id of
-- the letter, key.
-- Returns, of each, the attempts with this one, or 0 if it has passed to somebody else.
local group, consumer, mine = ARGV[1], ARGV[2], ARGV[3]
if not owns(mine) then return stale() end
local out, f = {}, nil
for i = 4, #ARGV, 3 do
  local what, id, arg = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local n = 0
  if what == 'r' then
    if redis.call('ZSCORE', waiting, member(arg, id)) then
      n = tonumber(redis.call('HGET', amended, id .. ':attempts')) or 0
      if n == 0 then
        local letter = redis.call('XRANGE', dead, id, id)[1]
        for j = 1, letter and #letter[2] or 0, 2 do
          if letter[2][j] == 'attempts' then n = tonumber(letter[2][j + 1]) break end
        end
      end
      n = n + 1
      redis.call('HSET', amended, id .. ':attempts', n)
    end
  else
    -- Where the lease stands all pending entries are its owner's. Competing consumers ask whose
    -- it is, and keep its idle time: a start is no heartbeat.
    local p
    if mine == '' then
      p = redis.call('XPENDING', stream, group, id, id, 1, consumer)[1]
    end
    if mine ~= '' or p then
      local claim = { 'XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', arg + 1, 'JUSTID' }
      if p then
        claim[#claim + 1] = 'IDLE'
        claim[#claim + 1] = p[3]
      end
      f = f or facts()
      if not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1] then
        if #redis.call(unpack(claim)) > 0 then n = tonumber(arg) end
      elseif p or redis.call('XPENDING', stream, group, id, id, 1)[1] then
        -- The body is gone but in hand: claiming would drop the entry, so the count stays.
        n = tonumber(arg)
      end
    end
  end
  out[#out + 1] = n
end
return out
