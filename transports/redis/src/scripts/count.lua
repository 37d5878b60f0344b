-- Counts entries and returns no bodies. ARGV: from (as XRANGE takes it), before this id or '+', how
-- many at most. Returns {how many, the last id counted or ''}.
local from, upto, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
if upto ~= '+' then upto = '(' .. upto end
local n, last = 0, ''
while n < limit do
  local chunk = redis.call('XRANGE', stream, from, upto, 'COUNT', math.min(limit - n, 200))
  if #chunk == 0 then break end
  n, last = n + #chunk, chunk[#chunk][1]
  from = '(' .. last
end
return { n, last }
