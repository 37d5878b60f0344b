-- Lets records be handed to the group once more.
-- ARGV: group, then of each: 'i', id of a dead letter; or 'n', its lane, N FIELD VALUE… of a new one.
-- Returns for each OK, MISSING, PARKED, or the text of an error.
local group = ARGV[1]
if not delivered(group) then return wrong_type() or no_group() end
local out, i = {}, 2

local function again(id)
  local key, found = letter_key(id)
  if not found then return 'MISSING' end
  if key and redis.call('ZSCORE', waiting, member(key, id)) then return 'PARKED' end
  local added = redis.pcall('ZADD', redeliver, 0, lane_member(lane_named(key), id))
  return type(added) == 'table' and added.err or 'OK'
end

local function add(lane, letter)
  local stored = redis.pcall(unpack(letter))
  if type(stored) == 'table' then return stored.err end
  redis.call('ZADD', redeliver, 0, lane_member(lane, stored))
  return 'OK'
end

while i <= #ARGV do
  if ARGV[i] == 'i' then
    out[#out + 1] = again(ARGV[i + 1])
    i = i + 2
  else
    local lane, n, letter = ARGV[i + 1], tonumber(ARGV[i + 2]), { 'XADD', dead, '*' }
    for j = i + 3, i + 2 + n do letter[#letter + 1] = ARGV[j] end
    i = i + 3 + n
    out[#out + 1] = add(lane, letter)
  end
end
redis.pcall('HSET', state, 'seen', now())
ring()
return out
