-- A group as it stands, also one that is gone from the log and would be made anew. ARGV: group.
-- Returns {position, entries after it, whether that is all, pending, oldest pending or '', next
-- entry or '', consumers alive, dead letters, parked keys, kind and number of lost, now, names of
-- consumers without a record of life, how the last loss came about or ''}.
local group = ARGV[1]
local at, read = delivered(group)
local f, t = facts(), now()
local there, intact = at ~= nil, true
if not there then
  at, intact = stood(f)
  if not at then return wrong_type() or no_group() end
end
local s = redis.call('HMGET', state, 'position', 'index', 'lost_kind', 'lost', 'lost_cause', 'explained', 'read')
local kind, lost, cause = s[3], s[4], s[5] or ''
local pending, foreign = { 0 }, {}
if there then
  pending = redis.call('XPENDING', stream, group)
  for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local fields = {}
    for i = 1, #c, 2 do fields[c[i]] = c[i + 1] end
    if not redis.call('ZSCORE', members, fields['name']) then foreign[#foreign + 1] = fields['name'] end
  end
  -- What a consumer will be told when it comes back is lost already.
  local index = account(at, read, '', 0, '', s[1], s[2], s[7], f)
  local _, loss = missing(at, index, f, s[6], s[1], s[2])
  -- The active consumer may know better what it was handed, and tells with its next look.
  if s[1] and loss and (loss[3] or not f.added or redis.call('EXISTS', lease) == 0) then
    kind, lost = add_count(kind, lost, loss[3])
    cause = BY_OTHERS
  end
  local others, ours, all = gone_in_hand(group, f, pending[2], owner_died(t))
  if others + ours > 0 then
    kind, lost = add_count(kind, lost, others + ours)
    if not all and kind == 'exact' then kind = 'atleast' end
    cause = ours > 0 and CAPPED or IN_HAND
  end
elseif not intact then
  kind, lost = add_count(kind, lost, nil)
  cause = 'the log lost the group, and what it had stored'
end

local n, all, following = 0, true, nil
if f then
  if there and f.added and tonumber(s[2]) and s[1] == at and f.first and not before(at, f.first)
      and not before(at, f.deleted) then
    -- Nothing after it was removed, so what was added since is what is left. Redis' own lag is
    -- wrong after some trims and deletions (redis #13957).
    n = f.added - tonumber(s[2])
  else
    n, all = remaining(at, f, 10000)
  end
  following = redis.call('XRANGE', stream, '(' .. at, '+', 'COUNT', 1)[1]
end
local letters = redis.pcall('XLEN', dead)
return {
  at, n, all and 1 or 0, pending[1], pending[2] or '', following and following[1] or '',
  redis.call('ZRANGEBYSCORE', members, t, '+inf'), type(letters) == 'number' and letters or 0, redis.call('HLEN', parked),
  kind or 'exact', tonumber(lost) or 0, t, foreign, cause,
}
