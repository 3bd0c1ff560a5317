-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, x
local function body()
-- repeat 5000: x = -s x = 2 - s x = s // 3
end
function attack() s = string.rep("0", 160000) .. "e" .. string.rep("0", 160000) .. string.rep(" ", 65000) while true do body() end end
