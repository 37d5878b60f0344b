-- Dead letters in order. ARGV: group, from (as XRANGE takes it), how many.
-- Returns {id, fields, whether parked, what was amended: attempts, class, message, first, last,
-- consumer, each false if not} of each.
if not delivered(ARGV[1]) then return wrong_type() or no_group() end
local out = {}
for _, letter in ipairs(redis.call('XRANGE', dead, ARGV[2], '+', 'COUNT', ARGV[3])) do
  local id, fields, is_parked = letter[1], letter[2], 0
  for i = 1, #fields, 2 do
    if fields[i] == 'body' then break end
    if fields[i] == 'key' then
      is_parked = redis.call('ZSCORE', waiting, member(fields[i + 1], id)) and 1 or 0
    end
  end
  out[#out + 1] = { id, fields, is_parked, redis.call('HMGET', amended, id .. ':attempts', id .. ':class',
    id .. ':message', id .. ':first', id .. ':last', id .. ':consumer') }
end
return out
