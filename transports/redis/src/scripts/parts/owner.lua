-- Whether the lease `mine` ("EPOCH:CONSUMER") still stands, or ran out without anybody taking it.
-- An empty one asks for nothing: consumers that compete have no lease.
local function owns(mine)
  if mine == '' then return true end
  local held = redis.call('GET', lease)
  if held then return held == mine end
  return redis.call('HGET', state, 'epoch') == string.match(mine, '^%d+')
end

local function stale()
  return redis.error_reply('STALE the lease has passed to another consumer')
end
