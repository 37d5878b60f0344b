-- Sets to nothing what a group lost, as a person has taken note of it; its consumer is told all the
-- same, once. ARGV: group. Returns {kind and number of what was lost}.
local group = ARGV[1]
local at, read = delivered(group)
local f = facts()
if not at and not stood(f) then return wrong_type() or no_group() end
insist()
if at then
  local s = redis.call('HMGET', state, 'position', 'index', 'explained', 'read')
  local index = account(at, read, '', 0, '', s[1], s[2], s[4], f)
  -- The active consumer may know better what it was handed.
  if index or not f.added or redis.call('EXISTS', lease) == 0 then
    index = find_loss(at, index, f, s[3], s[1], s[2])
    redis.call('HSET', state, 'position', at, 'index', index or '', 'added', f.added or '',
      'read', agree(group, at, read, index, f))
  end
  clear_gone(group, f, owner_died(now()))
end
local s = redis.call('HMGET', state, 'lost_kind', 'lost')
redis.call('HDEL', state, 'lost_kind', 'lost', 'lost_cause')
return { s[1] or 'exact', tonumber(s[2]) or 0 }
