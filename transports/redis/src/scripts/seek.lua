-- Moves a group and forgets what is in flight. ARGV: group, kind of start, id.
-- Returns {position before, position now}.
local group = ARGV[1]
local was = delivered(group)
if not was then return wrong_type() or no_group() end
local at, err = resolve(ARGV[2], ARGV[3], facts())
if err then return err end
redis.call('XGROUP', 'DESTROY', stream, group)
redis.call('DEL', started)
redis.call('XGROUP', 'CREATE', stream, group, at)
local f = facts()
redis.call('HSET', state, 'position', at, 'floor', at, 'index', index_at(at, f), 'added', f.added or '', 'seen', now(),
  'explained', explained_at(at, f))
if ARGV[2] == 'after' then note_removed_before(at, f) end
ring()
return { was, at }
