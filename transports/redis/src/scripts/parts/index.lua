-- The names of the groups of the topic, in the last key: they are known also when the group, or the
-- stream, is gone from the log.
local function known_by_name(group)
  redis.pcall('SADD', KEYS[#KEYS], group)
end
