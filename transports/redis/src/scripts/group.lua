-- A group as it stands. ARGV: group.
-- Returns {position, entries after it, whether that is all, pending, oldest pending or '', next
-- entry or '', consumers alive, dead letters, parked keys, kind and number of lost, now, names of
-- consumers without a record of life}.
local group = ARGV[1]
local at = delivered(group)
if not at then return wrong_type() or no_group() end
local f, t = facts(), now()
local s = redis.call('HMGET', state, 'position', 'index', 'lost_kind', 'lost')
local n, all
if f.added and tonumber(s[2]) and s[1] == at and f.first and not before(at, f.first)
    and not before(at, f.deleted) then
  -- Nothing after it was removed, so what was added since is what is left. Redis' own lag is
  -- wrong after some trims and deletions (redis #13957).
  n, all = f.added - tonumber(s[2]), true
else
  n, all = remaining(at, f, 10000)
end
local pending = redis.call('XPENDING', stream, group)
local following = redis.call('XRANGE', stream, '(' .. at, '+', 'COUNT', 1)[1]
local letters = redis.pcall('XLEN', dead)
local foreign = {}
for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local fields = {}
  for i = 1, #c, 2 do fields[c[i]] = c[i + 1] end
  if not redis.call('ZSCORE', members, fields['name']) then foreign[#foreign + 1] = fields['name'] end
end
return {
  at, n, all and 1 or 0, pending[1], pending[2] or '', following and following[1] or '',
  redis.call('ZRANGEBYSCORE', members, t, '+inf'), type(letters) == 'number' and letters or 0, redis.call('HLEN', parked),
  s[3] or 'exact', tonumber(s[4]) or 0, t, foreign,
}
