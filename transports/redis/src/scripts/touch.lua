-- Whether deliveries are still in this consumer's hands; competing consumers renew them by that.
-- ARGV: group, consumer, lease or '', (unused), ids, and again the least and the greatest of them.
-- Returns 1 for each that is, 0 for the others.
local group, consumer, mine = ARGV[1], ARGV[2], ARGV[3]
if not owns(mine) then return stale() end
local out, f = {}, facts()
for i = 5, #ARGV - 2 do
  local id, held = ARGV[i], 0
  if mine ~= '' then
    held = redis.call('XPENDING', stream, group, id, id, 1)[1] and 1 or 0
  elseif redis.call('XPENDING', stream, group, id, id, 1, consumer)[1] then
    held = 1
    if not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1] then
      redis.call('XCLAIM', stream, group, consumer, 0, id, 'JUSTID')
    end
  end
  out[#out + 1] = held
end
return out
