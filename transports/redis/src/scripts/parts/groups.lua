-- The id up to which the group was handed everything, nil when there is no such group; and how many
-- entries were ever added up to there, as the server counts (nil before Redis 7, and where it does
-- not know).
local function delivered(group)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return nil end
  for _, g in ipairs(groups) do
    -- The name comes first in every version.
    if g[2] == group then
      local at, read
      for i = 3, #g, 2 do
        if g[i] == 'last-delivered-id' then at = g[i + 1] end
        if g[i] == 'entries-read' then read = tonumber(g[i + 1]) end
      end
      return at, read
    end
  end
  return nil
end

local function no_group()
  return redis.error_reply('NOGROUP the group is gone')
end

local function wrong_type()
  local t = redis.call('TYPE', stream)['ok']
  if t ~= 'none' and t ~= 'stream' then
    return redis.error_reply('WRONGTYPE the key of this topic holds a ' .. t .. ', not a stream')
  end
end
