-- What trimming must spare for a group: {1, the oldest id pending or ''; the id up to which it was
-- handed everything}, or {0} if it showed no sign of life for so long. ARGV: group, milliseconds.
local group, ttl = ARGV[1], tonumber(ARGV[2])
local at = delivered(group)
if not at then return { 0 } end
local t = now()
local seen = tonumber(redis.call('HGET', state, 'seen') or nil)
if not seen then
  -- A group of other programs: known from now on, so that it can be forgotten one day.
  redis.pcall('HSETNX', state, 'seen', t)
  seen = t
end
for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local fields = {}
  for i = 1, #c, 2 do fields[c[i]] = c[i + 1] end
  seen = math.max(seen, t - fields['idle'])
end
if t - seen > ttl and redis.call('ZCOUNT', members, t, '+inf') == 0 then return { 0 } end
local pending = redis.call('XPENDING', stream, group)
return { 1, pending[2] or '', at }
