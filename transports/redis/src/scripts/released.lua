-- The first parked record of each key that is being released, and the first of each key, and all
-- without one, that are to be handed out once more.
-- ARGV: lease, how many, how many keys, the keys of which one is in hand already, and the ids of
-- letters without a key that are.
-- Returns {key or false, id, fields, attempts or false, whether it is redelivered} of each.
local mine, count, keys = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not owns(mine) then return stale() end
local busy, held, out = {}, {}, {}
for i = 4, 3 + keys do busy[ARGV[i]] = true end
for i = 4 + keys, #ARGV do held[ARGV[i]] = true end
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
      out[#out + 1] = { key, id, letter[2], redis.call('HGET', amended, id .. ':attempts'), 0 }
      busy[key] = true
      break
    end
    -- Somebody removed the letter: it cannot be released.
    redis.call('ZREM', waiting, head)
    note_loss('', '', 1, 'removed by others from the dead-letter log while it waited there')
  end
end

-- Takes the letter that a member of the set names; one that somebody removed cannot be handed out.
local function take(key, m)
  local id = lane_letter(m)
  local letter = redis.call('XRANGE', dead, id, id)[1]
  if not letter then
    redis.call('ZREM', redeliver, m)
    note_loss('', '', 1, 'removed by others from the dead-letter log while it waited there')
    return false
  end
  out[#out + 1] = { key, id, letter[2], redis.call('HGET', amended, id .. ':attempts'), 1 }
  return true
end

local from = '-'
while #out < count do
  local m = redis.call('ZRANGEBYLEX', redeliver, from, '+', 'LIMIT', 0, 1)[1]
  if not m then break end
  local lane = lane_of(m)
  if lane == '-' then
    -- No key: any number at a time.
    if not held[lane_letter(m)] then take(false, m) end
    from = '(' .. m
  else
    local key, _, past = string.sub(lane, 2), lane_bounds(lane)
    if busy[key] or take(key, m) then from = '[' .. string.sub(past, 2) end
    busy[key] = true
  end
end
return out
