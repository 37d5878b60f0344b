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
