-- What trimming must spare for a group: {1, the oldest id pending or ''; the id up to which it was
-- handed everything}, or {0} if it showed no sign of life for so long. One that is gone from the log
-- needs what it will be handed again. ARGV: group, milliseconds.
local group, ttl = ARGV[1], tonumber(ARGV[2])
local at, there = delivered(group), true
if not at then at, there = stood(facts()), false end
if not at then return { 0 } end
local t = now()
local seen = tonumber(redis.call('HGET', state, 'seen') or nil)
if not seen then
  -- A group of other programs: known from now on, so that it can be forgotten one day.
  redis.pcall('HSETNX', state, 'seen', t)
  seen = t
end
for _, c in ipairs(there and redis.call('XINFO', 'CONSUMERS', stream, group) or {}) do
  local fields = {}
  for i = 1, #c, 2 do fields[c[i]] = c[i + 1] end
  seen = math.max(seen, t - fields['idle'])
end
if t - seen > ttl and redis.call('ZCOUNT', members, t, '+inf') == 0 then return { 0 } end
local pending = there and redis.call('XPENDING', stream, group) or {}
return { 1, pending[2] or '', at }
