-- A topic as it stands, nil if there is none: {length, first id or '', newest id or ''}. One whose
-- stream is gone while its groups are known stands empty. KEYS end with the names of the groups.
local f = facts()
if not f then
  local groups = redis.pcall('SCARD', KEYS[#KEYS])
  return wrong_type() or (type(groups) == 'number' and groups > 0 and { 0, '', '' })
end
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
return { f.length, f.first or '', newest and newest[1] or '' }
