-- Dead letters in order. ARGV: group, from (as XRANGE takes it), how many.
-- Returns {id, fields, 1 if parked or 2 if to be handed out once more or 0, what was amended: attempts, class, message, first, last,
-- consumer, each false if not} of each.
if not delivered(ARGV[1]) then return wrong_type() or no_group() end
local out = {}
for _, letter in ipairs(redis.call('XRANGE', dead, ARGV[2], '+', 'COUNT', ARGV[3])) do
  local id, fields, key, how = letter[1], letter[2], false, 0
  for i = 1, #fields, 2 do
    if fields[i] == 'body' then break end
    if fields[i] == 'key' then key = fields[i + 1] end
  end
  if key and redis.call('ZSCORE', waiting, member(key, id)) then
    how = 1
  elseif redis.call('ZSCORE', redeliver, lane_member(lane_named(key), id)) then
    how = 2
  end
  out[#out + 1] = { id, fields, how, redis.call('HMGET', amended, id .. ':attempts', id .. ':class',
    id .. ':message', id .. ':first', id .. ':last', id .. ':consumer') }
end
return out
