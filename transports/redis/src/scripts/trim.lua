-- Removes some of the oldest entries, as far as the rules let them go now, and tells the groups what
-- that costs them. All in one step, so that two who trim at once do not remove twice as much.
-- KEYS go on with the state of each group. ARGV: how many at most; the id before which entries are
-- old, or ''; how many stay, or ''; how many stay whoever needs them, or ''; the oldest id that a group
-- needs, or ''; then the groups. Returns how many were removed.
local limit, old, needed = tonumber(ARGV[1]), ARGV[2], ARGV[5]
local length = redis.call('XLEN', stream)
local function beyond(stay) return stay ~= '' and length - tonumber(stay) or 0 end
local soft, hard = beyond(ARGV[3]), beyond(ARGV[4])

local function goes(n, id)
  if n <= hard then return true end
  local named = n <= soft or (old ~= '' and before(id, old))
  return named and (needed == '' or before(id, needed))
end

local n, last, from = 0, nil, '-'
while n < limit and from do
  local chunk = redis.call('XRANGE', stream, from, '+', 'COUNT', math.min(limit - n, 200))
  from = #chunk > 0 and '(' .. chunk[#chunk][1] or nil
  for _, entry in ipairs(chunk) do
    if not goes(n + 1, entry[1]) then
      from = nil
      break
    end
    n, last = n + 1, entry[1]
  end
end
if not last then return 0 end

local cut = just_after(last)
for i = 6, #ARGV do
  state = KEYS[7 + i]
  local at = delivered(ARGV[i])
  if at and before(at, cut) then
    local lost, from = 0, '(' .. at
    repeat
      local chunk = redis.call('XRANGE', stream, from, '(' .. cut, 'COUNT', 200)
      lost = lost + #chunk
      if #chunk > 0 then from = '(' .. chunk[#chunk][1] end
    until #chunk < 200
    if lost > 0 then
      local first = redis.call('XRANGE', stream, cut, '+', 'COUNT', 1)[1]
      note_loss(at, first and first[1] or '', lost, 'trimmed before the group was handed them')
      -- They count as if the group had been handed them.
      if tonumber(redis.call('HGET', state, 'index') or nil) then redis.call('HINCRBY', state, 'index', lost) end
    end
    redis.pcall('HSET', state, 'explained', cut)
  end
end
return redis.call('XTRIM', stream, 'MINID', cut)
