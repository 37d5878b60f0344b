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

-- Whether an entry may have lost its body. From Redis 7 on, XCLAIM drops such an entry from the
-- pending ones, although its holder may still settle it.
local function may_be_gone(id, f)
  if not f then return true end
  if not f.added then return false end
  return not f.first or before(id, f.first) or not before(f.deleted, id)
end
