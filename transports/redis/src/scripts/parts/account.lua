-- The state keeps `position` and `index`: how many entries were ever added up to that position,
-- those lost included. What a consumer was handed since it tells with its next script: from where,
-- how many, up to where. One that died told nothing; then the server's own count `read` serves, if it
-- was the same as ours at `position` (`known_read`), has moved on since, and no single entry was
-- deleted after it. One that stands still where the group has moved is what a crash left: Redis 7.0
-- writes down what a group was handed, and not its count.
-- Returns the index of `at`, nil when it is unknown.
local function account(at, read, from, n, upto, position, index, known_read, f)
  index = tonumber(index)
  if position == at then return index end
  if position == from and upto == at then return index and index + tonumber(n) end
  if index and index == tonumber(known_read) and read and read > index and f.deleted
      and before(position, at) and not before(position, f.deleted) then
    return read
  end
  return nil
end

-- Makes the server's count of what the group was handed what it is: it goes astray by trims
-- (redis #13957). Returns it, '' where the server does not count, and '!' before it where it refuses.
local function agree(group, at, read, index, f)
  if not f.added or not index then return '' end
  if read == index then return index end
  local set = redis.pcall('XGROUP', 'SETID', stream, group, at, 'ENTRIESREAD', index)
  return set.ok and index or '!' .. index
end

-- Whether that was tried at `index`.
local function is_agreed(known_read, index, f)
  if not f.added or not index then return true end
  return known_read == tostring(index) or known_read == '!' .. index
end

-- Notes where the group stands, `index` being that of `at`, with the further words given. A server that
-- is full refuses. If its own count is not known to be right then, it must not serve later: a crash
-- may have left it behind, and with the next read it moves on from there.
local function keep(at, index, f, agreed, ...)
  local kept = redis.pcall('HSET', state, 'position', at, 'index', index or '', 'added', f.added or '', ...)
  if type(kept) == 'table' and (not index or tonumber(agreed) ~= index) then redis.pcall('HDEL', state, 'read') end
end

local BY_OTHERS = 'removed by others before the group was handed them'

-- Compares what was added with what was handed out and what is left. `index` is that of `at`;
-- `known` is the last position with an index, `known_index`. Returns the index as it is after what is
-- missing, and of that {after, until, how many or nil}, or nil where nothing is missing.
local function missing(at, index, f, explained, known, known_index)
  local next_ = f.first and before(at, f.first) and f.first or ''
  if next_ == '' and f.length > 0 and before(at, f.last) then
    -- Entries before and after `at` are left: nothing was trimmed, and only the end tells whether
    -- single ones were deleted.
    return index
  end
  local is_explained = explained and explained ~= '' and before(at, explained)
  if f.added then
    local rest = next_ ~= '' and f.length or 0
    local lost = index and f.added - index - rest or 0
    known_index = tonumber(known_index)
    if lost > 0 then
      return f.added - rest, { before(at, f.last) and at or '', next_, lost }
    elseif not index and known and not is_explained and before(at, f.last) and before(known, f.first or f.last)
      and not (known_index and f.added - known_index <= f.length) then
      -- The consumer died before it told what it was handed beyond `known`, and not everything
      -- that was added since is there: what is gone may have been handed out or not.
      return f.added - rest, { known, f.first or '' }
    end
    return f.added - rest
  end
  -- Redis 6 counts nothing. That a group that was handed nothing yet lost the very first entries
  -- of a topic cannot be seen.
  if at == '0-0' or is_explained or not before(at, f.last) then return nil end
  return nil, { at, next_ }
end

-- Notes what is missing. Returns the index as it is afterwards, and whether a loss was noted.
local function find_loss(at, index, f, explained, known, known_index)
  local after, loss = missing(at, index, f, explained, known, known_index)
  if loss then
    note_loss(loss[1], loss[2], loss[3], BY_OTHERS)
    if not f.added then redis.pcall('HSET', state, 'explained', loss[2] ~= '' and loss[2] or f.last) end
  end
  return after, loss ~= nil
end
