-- The state keeps `position` and `index`: how many entries were ever added up to that position,
-- those lost included. What a consumer was handed since it tells with its next script: from where,
-- how many, up to where. Returns the index of `at`, nil when it is unknown.
local function account(at, from, n, upto, position, index)
  index = tonumber(index)
  if position == at then return index end
  if position == from and upto == at then return index and index + tonumber(n) end
  return nil
end

-- Compares what was added with what was handed out and what is left, and notes what is missing.
-- `index` is that of `at`; `known` is the last position with an index, `known_index`. Returns the
-- index as it is afterwards, and whether a loss was noted.
local function find_loss(at, index, f, explained, known, known_index)
  local cause = 'removed by others before the group was handed them'
  local next_ = f.first and before(at, f.first) and f.first or ''
  if next_ == '' and f.length > 0 and before(at, f.last) then
    -- Entries before and after `at` are left: nothing was trimmed, and only the end tells whether
    -- single ones were deleted.
    return index, false
  end
  local is_explained = explained and explained ~= '' and before(at, explained)
  if f.added then
    local rest = next_ ~= '' and f.length or 0
    local lost = index and f.added - index - rest or 0
    known_index = tonumber(known_index)
    if lost > 0 then
      note_loss(before(at, f.last) and at or '', next_, lost, cause)
    elseif not index and known and not is_explained and before(at, f.last) and before(known, f.first or f.last)
      and not (known_index and f.added - known_index <= f.length) then
      -- The consumer died before it told what it was handed beyond `known`, and not everything
      -- that was added since is there: what is gone may have been handed out or not.
      note_loss(known, f.first or '', nil, cause)
      lost = 1
    end
    return f.added - rest, lost > 0
  end
  -- Redis 6 counts nothing. That a group that was handed nothing yet lost the very first entries
  -- of a topic cannot be seen.
  if at == '0-0' or is_explained or not before(at, f.last) then return nil, false end
  note_loss(at, next_, nil, cause)
  redis.pcall('HSET', state, 'explained', next_ ~= '' and next_ or f.last)
  return nil, true
end
