-- Makes the group anew where it stood, if the stream is what it was, else at its beginning.
local function recreate(group)
  local f = facts()
  local at, intact, index = stood(f)
  at = at or '0-0'
  local explained = redis.call('HGET', state, 'explained')
  local made = redis.pcall('XGROUP', 'CREATE', stream, group, at, 'MKSTREAM')
  if made.err then return nil, made end
  redis.call('DEL', started)
  f = facts()
  if not intact then
    index = f.added and f.added - f.length or ''
    note_loss('', f.first or '', nil, 'the log came back without the group and without what it had stored')
  elseif index == '' and f.first and at ~= '0-0' and before(at, f.first)
      and not (explained and explained ~= '' and before(at, explained)) then
    note_loss(at, f.first, nil, 'removed by others while the group was gone from the log')
  end
  redis.call('HSET', state, 'position', at, 'floor', at, 'index', index or '', 'added', f.added or '', 'seen', now(),
    'explained', explained_at(at, f))
  known_by_name(group)
  ring()
  return at
end
