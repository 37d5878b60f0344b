-- The first parked record of each key that is being released.
-- ARGV: lease, how many, then the keys of which one is in hand already.
-- Returns {key, id, fields, attempts or false} of each.
local mine, count = ARGV[1], tonumber(ARGV[2])
if not owns(mine) then return stale() end
local busy, out = {}, {}
for i = 3, #ARGV do busy[ARGV[i]] = true end
for _, key in ipairs(redis.call('SMEMBERS', releasing)) do
  if #out >= count then break end
  while not busy[key] do
    local from, to = bounds(key)
    local head = redis.call('ZRANGEBYLEX', waiting, from, to, 'LIMIT', 0, 1)[1]
    if not head then
      clear_if_empty(key)
      break
    end
    local id = letter_id(key, head)
    local letter = redis.call('XRANGE', dead, id, id)[1]
    if letter then
      out[#out + 1] = { key, id, letter[2], redis.call('HGET', amended, id .. ':attempts') }
      break
    end
    -- Somebody removed the letter: it cannot be released.
    redis.call('ZREM', waiting, head)
    note_loss('', '', 1, 'removed by others from the dead-letter log while it waited there')
  end
end
return out
