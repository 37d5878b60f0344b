-- First starts of the active consumer are noted by runs: to count each in its entry costs the
-- server most of what reading it costs. The list `started` has three items of each run: its greatest id,
-- its least id, and all of its ids. A run is forgotten when all of it is settled. Before others
-- hand out what is pending, what is noted is counted in the entries.

-- Runs that are kept, so that one event that takes its time does not make the list grow.
local MOST_RUNS = 64

-- Whether it was noted: a server whose memory is full refuses it, and takes XCLAIM.
local function note_started(least, greatest, ids)
  return type(redis.pcall('RPUSH', started, greatest, least, ids)) == 'number'
end

-- Counts a run in its entries. What was counted since is more than 1 already, and stays.
local function count_run(group, greatest, least, ids, f)
  local noted, from = {}, least
  for id in string.gmatch(ids, '%S+') do noted[id] = true end
  repeat
    local held = redis.call('XPENDING', stream, group, from, greatest, 500)
    for _, p in ipairs(held) do
      local id = p[1]
      if noted[id] and p[4] == 1 and (not may_be_gone(id, f) or redis.call('XRANGE', stream, id, id)[1]) then
        redis.call('XCLAIM', stream, group, p[2], 0, id, 'IDLE', p[3], 'RETRYCOUNT', 2, 'JUSTID')
      end
      from = '(' .. id
    end
  until #held < 500
end

-- Counts all that is noted.
local function count_started(group)
  local runs = redis.call('LRANGE', started, 0, -1)
  local f = runs[1] and facts()
  for i = 1, #runs, 3 do count_run(group, runs[i], runs[i + 1], runs[i + 2], f) end
  if runs[1] then redis.call('DEL', started) end
end

-- Everything up to the floor is settled.
local function forget_started(group, floor)
  local greatest = redis.call('LINDEX', started, 0)
  while greatest and not before(floor, greatest) do
    redis.call('LTRIM', started, 3, -1)
    greatest = redis.call('LINDEX', started, 0)
  end
  while greatest and redis.call('LLEN', started) > 3 * MOST_RUNS do
    local run = redis.call('LPOP', started, 3)
    count_run(group, run[1], run[2], run[3], facts())
  end
end
