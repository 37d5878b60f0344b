-- Where a group that is gone from the log will begin again: where it stood, if the stream is what it
-- was, else at its beginning. Returns that, whether it is the former, and how many entries were added
-- up to there ('' when unknown); nil for a group that nobody knows.
local function stood(f)
  local s = redis.call('HMGET', state, 'position', 'floor', 'index', 'added', 'epoch')
  local position, floor, index = s[1], s[2], s[3]
  if not position and not s[5] then return nil end
  local intact = position and f and not before(f.last, position)
  if intact and f.added then
    intact = not tonumber(s[4]) or f.added >= tonumber(s[4])
  elseif intact then
    intact = position == '0-0' or f.last == position or (f.first and not before(position, f.first))
  end
  if not intact then return '0-0', false, '' end
  local at = floor or '0-0'
  return at, true, at == position and index or ''
end
