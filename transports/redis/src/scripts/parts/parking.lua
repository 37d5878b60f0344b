-- The bounds, in the sorted set of parked records, of those of one key.
local function bounds(key)
  local prefix = #key .. ':' .. key
  return '[' .. prefix .. ':', '(' .. prefix .. ';'
end

local function member(key, id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  return #key .. ':' .. key .. ':' .. string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end

local function letter_id(key, m)
  local ms, seq = string.match(string.sub(m, #key + #tostring(#key) + 3), '^0*(%d+)%-0*(%d+)$')
  return ms .. '-' .. seq
end

-- A key for which nothing waits is clear.
local function clear_if_empty(key)
  local from, to = bounds(key)
  if redis.call('ZLEXCOUNT', waiting, from, to) == 0 then
    redis.call('HDEL', parked, key)
    redis.call('SREM', releasing, key)
  end
end

-- What was changed of a letter that is gone.
local function forget_amended(id)
  for _, name in ipairs({ 'attempts', 'class', 'message', 'first', 'last', 'consumer' }) do
    redis.call('HDEL', amended, id .. ':' .. name)
  end
end
