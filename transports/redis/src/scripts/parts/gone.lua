local IN_HAND = 'removed by others after the group was handed them and before they were settled'
local CAPPED = 'taken by the hard cap of retention after the group was handed them and before they were settled'

-- Entries that were handed out, whose body was trimmed, and that nobody will settle: `free` says of
-- a pending entry that its consumer does not. Returns how many others took, how many our own trimming,
-- and whether these are all; calls `each` with their ids, some hundred at a time.
local function gone_in_hand(group, f, oldest, free, each)
  local others, ours = 0, 0
  if not oldest or f.first and not before(oldest, f.first) then return 0, 0, true end
  local cut = redis.call('HGET', state, 'cut')
  local from, upto = '-', f.first and '(' .. f.first or '+'
  for _ = 1, 40 do
    local held, ids = redis.call('XPENDING', stream, group, from, upto, 500), {}
    for _, p in ipairs(held) do
      if free(p) then
        ids[#ids + 1] = p[1]
        if cut and before(p[1], cut) then ours = ours + 1 else others = others + 1 end
      end
    end
    if each and #ids > 0 then each(ids) end
    if #held < 500 then return others, ours, true end
    from = '(' .. held[#held][1]
  end
  return others, ours, false
end

-- Clears these, and notes them as lost.
local function clear_gone(group, f, free)
  local oldest = redis.call('XPENDING', stream, group)[2]
  local function clear(ids) redis.call('XACK', stream, group, unpack(ids)) end
  local others, ours = gone_in_hand(group, f, oldest, free, clear)
  if others > 0 then note_loss('', '', others, IN_HAND) end
  if ours > 0 then note_loss('', '', ours, CAPPED) end
end

-- Whether the consumer of a pending entry is one of ours that lives no more.
local function owner_died(t)
  return function(p)
    local until_ = redis.call('ZSCORE', members, p[2])
    return until_ and tonumber(until_) < t
  end
end
