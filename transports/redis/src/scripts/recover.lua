-- Brings a group back that is missing although a consumer has joined it. KEYS
-- end with the names of the groups. ARGV: group.
local wrong = wrong_type()
if wrong then return wrong end
local at = delivered(ARGV[1])
if at then return at end
local err
at, err = recreate(ARGV[1])
return err or at
