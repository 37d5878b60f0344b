-- Removes some of the oldest entries, as far as the rules let them go now, and tells the groups what
-- that costs them. All in one step, so that two who trim at once do not remove twice as much.
-- KEYS go on with the state of each group. ARGV: how many at most; the id before which entries are
-- old, or ''; how many stay, or ''; how many stay whoever needs them, or ''; the oldest id that a group
-- needs, or ''; then each group and whether it is spared, 1 or 0. Returns {how many were removed, the
-- last of them, or '' where it was not looked at}.
local limit, old, needed = tonumber(ARGV[1]), ARGV[2], ARGV[5]
local length = redis.call('XLEN', stream)
local function beyond(stay) return stay ~= '' and length - tonumber(stay) or 0 end
local soft, hard = beyond(ARGV[3]), beyond(ARGV[4])

-- `needed` was asked a while ago, and a seek may have moved a group back since.
local is_everyone_spared = true
for i = 6, #ARGV, 2 do
  local at = ARGV[i + 1] == '1' and delivered(ARGV[i])
  if at then
    local first = redis.call('XPENDING', stream, ARGV[i])[2] or just_after(at)
    if needed == '' or before(first, needed) then needed = first end
  else
    is_everyone_spared = false
  end
end

-- What nobody loses by goes in whole nodes, unread: to read what is removed would take the server longer than
-- all that is published meanwhile. It is not more than the rules name, and nothing that a group needs.
local function remove_nodes(most, upto)
  if most <= 0 then return 0 end
  return redis.call('XTRIM', stream, 'MINID', '~', upto, 'LIMIT', math.min(most, limit))
end

if is_everyone_spared then
  local upto = needed ~= '' and needed or '18446744073709551615-18446744073709551615'
  local gone = remove_nodes(math.max(soft, hard), upto)
  if gone == 0 and old ~= '' then gone = remove_nodes(limit, before(old, upto) and old or upto) end
  if gone > 0 then
    local f = facts()
    for i = 6, #ARGV, 2 do
      redis.pcall('HSET', KEYS[10 + i / 2], 'explained', f.first or just_after(f.last))
    end
    return { gone, '' }
  end
end

local function goes(n, id)
  if n <= hard then return true end
  local named = n <= soft or (old ~= '' and before(id, old))
  return named and (needed == '' or before(id, needed))
end

-- The others are read.
limit = math.min(limit, 500)
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
if not last then return { 0, '' } end

local cut = just_after(last)
for i = 6, #ARGV, 2 do
  local group, active = ARGV[i], ARGV[i + 1]
  state = KEYS[10 + i / 2]
  local at, known = delivered(group), true
  if at then
    -- Who holds these has their bodies; of whoever dies with them it is known who took them.
    local oldest = redis.call('XPENDING', stream, group)[2]
    if oldest and before(oldest, cut) then
      insist()
      redis.pcall('HSET', state, 'cut', cut)
    end
  else
    at = stood(facts())
    -- It was handed some of what it would be handed again, and had settled nobody knows which.
    known = at and not before(at, redis.call('HGET', state, 'position') or '0-0')
  end
  if at and before(at, cut) then
    local lost, from = 0, '(' .. at
    repeat
      local chunk = redis.call('XRANGE', stream, from, '(' .. cut, 'COUNT', 200)
      lost = lost + #chunk
      if #chunk > 0 then from = '(' .. chunk[#chunk][1] end
    until #chunk < 200
    if lost > 0 then
      local first = redis.call('XRANGE', stream, cut, '+', 'COUNT', 1)[1]
      local cause = active == '1' and 'taken by the hard cap of retention before the group was handed them'
        or 'trimmed for lack of a sign of life: the group was idle for longer than its group-ttl'
      note_loss(at, first and first[1] or '', known and lost or nil, cause)
      -- They count as if the group had been handed them.
      if tonumber(redis.call('HGET', state, 'index') or nil) then redis.call('HINCRBY', state, 'index', lost) end
    end
    insist()
    redis.pcall('HSET', state, 'explained', cut)
  end
end
return { redis.call('XTRIM', stream, 'MINID', cut), last }
