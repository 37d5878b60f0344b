-- Letters to be handed out once more stand in a sorted set, those of one lane in their order. The lane
-- is 'k' and the key, or '-' for letters without one.
local function lane_bounds(lane)
  local prefix = #lane .. ':' .. lane
  return '[' .. prefix .. ':', '(' .. prefix .. ';'
end

local function lane_member(lane, id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  return #lane .. ':' .. lane .. ':' .. string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end

local function lane_of(m)
  local n, rest = string.match(m, '^(%d+):(.*)$')
  return string.sub(rest, 1, tonumber(n))
end

local function lane_letter(m)
  local ms, seq = string.match(m, ':0*(%d+)%-0*(%d+)$')
  return ms .. '-' .. seq
end

-- What a letter says of itself: its key or false, and whether it is there.
local function letter_key(id)
  local letter = redis.call('XRANGE', dead, id, id)[1]
  if not letter then return false, false end
  for i = 1, #letter[2], 2 do
    if letter[2][i] == 'body' then break end
    if letter[2][i] == 'key' then return letter[2][i + 1], true end
  end
  return false, true
end

local function lane_named(key)
  return key and 'k' .. key or '-'
end
