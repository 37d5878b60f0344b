-- Entry ids are two 64-bit numbers, more than Lua's numbers hold: compared as digits.
local function fewer(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function before(a, b)
  local ams, aseq = string.match(a, '^(%d+)%-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)%-(%d+)$')
  if ams ~= bms then return fewer(ams, bms) end
  return fewer(aseq, bseq)
end

-- An id at or before the one just before this: where a group stands that is to be handed this next.
local function just_before(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if seq ~= '0' and #seq < 16 then return ms .. '-' .. string.format('%.0f', tonumber(seq) - 1) end
  if seq ~= '0' then return ms .. '-0' end
  if ms == '0' then return '0-0' end
  if #ms < 16 then return string.format('%.0f', tonumber(ms) - 1) .. '-18446744073709551615' end
  return '0-0'
end

local function plus_one(digits)
  local head, nines = string.match(digits, '^(.-)(9*)$')
  local zeros = string.rep('0', #nines)
  if head == '' then return '1' .. zeros end
  return string.sub(head, 1, -2) .. string.char(string.byte(head, -1) + 1) .. zeros
end

-- The id that follows this one.
local function just_after(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  if seq == '18446744073709551615' then return plus_one(ms) .. '-0' end
  return ms .. '-' .. plus_one(seq)
end
