-- Makes a group unless it exists; one that existed and is gone comes back where it stood.
-- KEYS end with the names of the groups. ARGV: group, kind of start, id. Returns {existed, position}.
local group, kind, id = ARGV[1], ARGV[2], ARGV[3]
local wrong = wrong_type()
if wrong then return wrong end
local at = delivered(group)
if at then
  insist()
  redis.pcall('HSET', state, 'seen', now())
  known_by_name(group)
  return { 1, at }
end
local known = redis.call('HMGET', state, 'position', 'epoch')
if known[1] or known[2] then
  local err
  at, err = recreate(group)
  return err or { 1, at }
end
local err
at, err = resolve(kind, id, facts())
if err then return err end
local made = redis.pcall('XGROUP', 'CREATE', stream, group, at, 'MKSTREAM')
if made.err then return made end
redis.call('DEL', started)
local f = facts()
redis.call('HSET', state, 'position', at, 'floor', at, 'index', index_at(at, f), 'added', f.added or '', 'seen', now(),
  'explained', explained_at(at, f))
if kind == 'after' then note_removed_before(at, f) end
known_by_name(group)
-- Whoever looks for topics finds this one by what wakes its consumers, also without its stream.
ring()
return { 0, at }
