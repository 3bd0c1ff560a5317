-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local t = table.create(5000, string.rep("0", 160000) .. "e" .. string.rep("0", 160000) .. string.rep(" ", 65000))
function attack() while true do math.max(unpack(t)) bit32.band(unpack(t)) end end
