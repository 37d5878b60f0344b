-- Makes the group anew where it stood, if the stream is what it was, else at its beginning.
local function recreate(group)
  local f = facts()
  local s = redis.call('HMGET', state, 'position', 'floor', 'index', 'added')
  local position, floor, index = s[1], s[2], s[3]
  local intact = position and f and not before(f.last, position)
  if intact and f.added then
    intact = not tonumber(s[4]) or f.added >= tonumber(s[4])
  elseif intact then
    intact = position == '0-0' or f.last == position or (f.first and not before(position, f.first))
  end
  local at = '0-0'
  if intact then
    at = floor or '0-0'
    if at ~= position then index = '' end
  end
  local made = redis.pcall('XGROUP', 'CREATE', stream, group, at, 'MKSTREAM')
  if made.err then return nil, made end
  redis.call('DEL', started)
  f = facts()
  if not intact then
    index = f.added and f.added - f.length or ''
    note_loss('', f.first or '', nil, 'the log came back without the group and without what it had stored')
  end
  redis.call('HSET', state, 'position', at, 'floor', at, 'index', index or '', 'added', f.added or '', 'seen', now(),
    'explained', explained_at(at, f))
  ring()
  return at
end
