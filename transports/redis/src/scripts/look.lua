-- Before the active consumer reads: whether it still is the active one, where the group stands, and
-- whether entries were lost. The read follows in the same transaction as a command of its own,
-- because Lua would copy every body twice.
-- ARGV: group, lease, and of the last read: from where, how many, up to where.
-- Returns {the id up to which the group was handed everything, gap or false}.
local group, mine, from, n, upto = unpack(ARGV)
if not owns(mine) then return stale() end
return look(group, from, n, upto)
