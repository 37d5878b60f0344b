-- Counts of different certainty add up: exact, a lower bound, or unknown (n is 0 then).
local function add_count(kind, n, more)
  if not kind then kind = 'exact' end
  n = tonumber(n) or 0
  if more == nil then
    if n > 0 then return 'atleast', n end
    return 'unknown', 0
  end
  if kind == 'unknown' then
    if more > 0 then return 'atleast', more end
    return 'unknown', 0
  end
  return kind, n + more
end

-- Notes that `n` entries (nil: nobody knows how many) between two ids, both outside and each ''
-- if unknown, are lost to the group: added to its total, and kept until a consumer is told.
local function note_loss(after, until_, n, cause)
  insist()
  local s = redis.call('HMGET', state, 'lost_kind', 'lost', 'gap_kind', 'gap_lost', 'gap_after', 'gap_until')
  local total_kind, total = add_count(s[1], s[2], n)
  local kind, lost = add_count(s[3], s[4], n)
  if s[3] then
    if s[5] == '' or (after ~= '' and before(s[5], after)) then after = s[5] end
    if s[6] == '' or (until_ ~= '' and before(until_, s[6])) then until_ = s[6] end
  end
  redis.pcall('HSET', state, 'lost_kind', total_kind, 'lost', total, 'lost_cause', cause, 'gap_kind', kind,
    'gap_lost', lost, 'gap_after', after, 'gap_until', until_, 'gap_cause', cause)
end

-- What the group was not told of yet, as {kind, lost, after, until, cause}; false when nothing.
local function take_gap()
  local g = redis.call('HMGET', state, 'gap_kind', 'gap_lost', 'gap_after', 'gap_until', 'gap_cause')
  if not g[1] then return false end
  redis.call('HDEL', state, 'gap_kind', 'gap_lost', 'gap_after', 'gap_until', 'gap_cause')
  return g
end
