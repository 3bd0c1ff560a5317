-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, x
local function body()
-- repeat 200: x = string.rep(" ", 30000000) .. 1 x = x + x
end
function attack() s = string.rep("=", 20000000) while true do body() end end
