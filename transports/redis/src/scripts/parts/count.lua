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
