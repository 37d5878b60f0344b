-- Wakes the consumers that wait.
local function ring()
  redis.pcall('XADD', wake, 'MAXLEN', '1', '*', 'r', '')
end
