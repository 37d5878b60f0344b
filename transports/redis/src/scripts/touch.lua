-- Renews what a competing consumer has in hand. ARGV: group, consumer, then ids.
-- Returns 1 for each that is still this consumer's, 0 for the others.
local group, consumer = ARGV[1], ARGV[2]
local out, f = {}, facts()
for i = 3, #ARGV do
  local id, held = ARGV[i], 0
  if redis.call('XPENDING', stream, group, id, id, 1, consumer)[1] then
    held = 1
    if not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1] then
      redis.call('XCLAIM', stream, group, consumer, 0, id, 'JUSTID')
    end
  end
  out[#out + 1] = held
end
return out
