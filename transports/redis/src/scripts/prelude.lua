-- Stands before every script: the keys of one group of one topic, and what several scripts share.
local stream, lease, state, members, wake, dead, amended, parked, waiting, releasing = unpack(KEYS)

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Entry ids are two 64-bit numbers, more than Lua's numbers hold: compared as digits.
local function fewer(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function before(a, b)
  local ams, aseq = string.match(a, '^(%d+)%-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)%-(%d+)$')
  if ams ~= bms then return fewer(ams, bms) end
  return fewer(aseq, bseq)
end

-- An id at or before the one just before this: where a group stands that is to be handed this next.
local function just_before(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if seq ~= '0' and #seq < 16 then return ms .. '-' .. string.format('%.0f', tonumber(seq) - 1) end
  if seq ~= '0' then return ms .. '-0' end
  if ms == '0' then return '0-0' end
  if #ms < 16 then return string.format('%.0f', tonumber(ms) - 1) .. '-18446744073709551615' end
  return '0-0'
end

-- What is known of the stream: length, last (the newest id ever), first (nil when empty), added
-- and deleted (nil before Redis 7). nil when there is no stream.
local function facts()
  local info = redis.pcall('XINFO', 'STREAM', stream)
  if info.err then return nil end
  local f = {}
  for i = 1, #info, 2 do f[info[i]] = info[i + 1] end
  local first = f['first-entry']
  return {
    length = f['length'], last = f['last-generated-id'], first = first and first[1] or nil,
    added = f['entries-added'], deleted = f['max-deleted-entry-id'],
  }
end

-- The id up to which the group was handed everything; nil when there is no such group.
local function delivered(group)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return nil end
  for _, g in ipairs(groups) do
    local f = {}
    for i = 1, #g, 2 do f[g[i]] = g[i + 1] end
    if f['name'] == group then return f['last-delivered-id'], f end
  end
  return nil
end

local function no_group()
  return redis.error_reply('NOGROUP the group is gone')
end

local function wrong_type()
  local t = redis.call('TYPE', stream)['ok']
  if t ~= 'none' and t ~= 'stream' then
    return redis.error_reply('WRONGTYPE the key of this topic holds a ' .. t .. ', not a stream')
  end
end

-- Whether the lease `mine` ("EPOCH:CONSUMER") still stands, or ran out without anybody taking it.
-- An empty one asks for nothing: consumers that compete have no lease.
local function owns(mine)
  if mine == '' then return true end
  local held = redis.call('GET', lease)
  if held then return held == mine end
  return redis.call('HGET', state, 'epoch') == string.match(mine, '^%d+')
end

local function stale()
  return redis.error_reply('STALE the lease has passed to another consumer')
end

local function ring()
  redis.pcall('XADD', wake, 'MAXLEN', '1', '*', 'r', '')
end

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
  local s = redis.call('HMGET', state, 'lost_kind', 'lost', 'gap_kind', 'gap_lost', 'gap_after', 'gap_until')
  local total_kind, total = add_count(s[1], s[2], n)
  local kind, lost = add_count(s[3], s[4], n)
  if s[3] then
    if s[5] == '' or (after ~= '' and before(s[5], after)) then after = s[5] end
    if s[6] == '' or (until_ ~= '' and before(until_, s[6])) then until_ = s[6] end
  end
  redis.pcall('HSET', state, 'lost_kind', total_kind, 'lost', total, 'gap_kind', kind, 'gap_lost', lost,
    'gap_after', after, 'gap_until', until_, 'gap_cause', cause)
end

-- What the group was not told of yet, as {kind, lost, after, until, cause}; false when nothing.
local function take_gap()
  local g = redis.call('HMGET', state, 'gap_kind', 'gap_lost', 'gap_after', 'gap_until', 'gap_cause')
  if not g[1] then return false end
  redis.call('HDEL', state, 'gap_kind', 'gap_lost', 'gap_after', 'gap_until', 'gap_cause')
  return g
end

-- How many entries stand after `at`, counted up to `limit`; and whether these are all.
local function remaining(at, f, limit)
  if f.length == 0 or not before(at, f.last) then return 0, true end
  if f.first and before(at, f.first) then return f.length, true end
  local n, from = 0, '(' .. at
  while n < limit do
    local chunk = redis.call('XRANGE', stream, from, '+', 'COUNT', math.min(limit - n, 200))
    if #chunk == 0 then return n, true end
    n, from = n + #chunk, '(' .. chunk[#chunk][1]
  end
  return n, #redis.call('XRANGE', stream, from, '+', 'COUNT', 1) == 0
end

-- The number of entries ever added up to `at` plus those after it that are gone already, so that
-- nothing removed before now counts as lost to a group that begins there. '' when unknown.
local function index_at(at, f)
  if not f.added then return '' end
  local n, all = remaining(at, f, 1000)
  return all and f.added - n or ''
end

-- Notes what was removed already behind a position that somebody asked for.
local function note_removed_before(at, f)
  if at == '0-0' then
    if f.added and f.added > f.length then
      note_loss(at, f.first or '', f.added - f.length, 'removed before the group came to them')
    end
  elseif f.first and before(at, f.first) and (not f.added or f.added > f.length) then
    note_loss(at, f.first, nil, 'removed before the group came to them')
  end
end

-- Before Redis 7 only a first entry after the group's position tells of a loss. Up to here it does
-- not: these were gone before the group came, or were accounted for.
local function explained_at(at, f)
  return f.first and before(at, f.first) and f.first or ''
end

-- Where a group begins: the id after which, or an error. `f` is nil when there is no stream.
local function resolve(kind, id, f)
  local last = f and f.last or '0-0'
  if kind == 'latest' then return last end
  if kind == 'earliest' then return '0-0' end
  if before(last, id) then
    if kind == 'time' then return last end
    return nil, redis.error_reply('BEYOND the end of the topic, which is ' .. last)
  end
  return id
end

-- Makes the group anew where it stood, if the stream is what it was, else at its beginning.
local function recreate(group)
  local f = facts()
  local s = redis.call('HMGET', state, 'position', 'oldest', 'index', 'added')
  local position, oldest, index = s[1], s[2], s[3]
  local intact = position and f and not before(f.last, position)
  if intact and f.added then
    intact = not tonumber(s[4]) or f.added >= tonumber(s[4])
  elseif intact then
    intact = position == '0-0' or f.last == position or (f.first and not before(position, f.first))
  end
  local at = '0-0'
  if intact then
    at = position
    if oldest and oldest ~= '' then at, index = just_before(oldest), '' end
  end
  local made = redis.pcall('XGROUP', 'CREATE', stream, group, at, 'MKSTREAM')
  if made.err then return nil, made end
  f = facts()
  if not intact then
    index = f.added and f.added - f.length or ''
    note_loss('', f.first or '', nil, 'the log came back without the group and without what it had stored')
  end
  redis.call('HSET', state, 'position', at, 'oldest', '', 'index', index or '', 'added', f.added or '', 'seen', now(),
    'explained', explained_at(at, f))
  ring()
  return at
end

-- Whether an entry may have lost its body. From Redis 7 on, XCLAIM drops such an entry from the
-- pending ones, although its holder may still settle it.
local function may_be_gone(id, f)
  if not f then return true end
  if not f.added then return false end
  return not f.first or before(id, f.first) or not before(f.deleted, id)
end

-- The bounds, in the sorted set of parked records, of those of one key.
local function bounds(key)
  local prefix = #key .. ':' .. key
  return '[' .. prefix .. ':', '(' .. prefix .. ';'
end

local function member(key, id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  return #key .. ':' .. key .. ':' .. string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end

local function letter_id(key, m)
  local ms, seq = string.match(string.sub(m, #key + #tostring(#key) + 3), '^0*(%d+)%-0*(%d+)$')
  return ms .. '-' .. seq
end

-- A key for which nothing waits is clear.
local function clear_if_empty(key)
  local from, to = bounds(key)
  if redis.call('ZLEXCOUNT', waiting, from, to) == 0 then
    redis.call('HDEL', parked, key)
    redis.call('SREM', releasing, key)
  end
end
