-- A topic as it stands, nil if there is none: {length, first id or '', newest id or ''}.
local f = facts()
if not f then return wrong_type() or false end
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
return { f.length, f.first or '', newest and newest[1] or '' }
