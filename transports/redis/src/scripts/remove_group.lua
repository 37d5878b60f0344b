-- Removes a group with all that belongs to it. KEYS end with the names of the groups. ARGV: group.
-- Returns how many of its consumers live: then nothing is removed.
local group = ARGV[1]
if not delivered(group) and not stood(facts()) then return wrong_type() or no_group() end
local alive = redis.call('ZCOUNT', members, now(), '+inf')
if alive > 0 then return alive end
redis.pcall('XGROUP', 'DESTROY', stream, group)
redis.call('SREM', KEYS[#KEYS], group)
redis.call('DEL', unpack(KEYS, 2, #KEYS - 1))
return 0
