-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, x
local function body()
-- repeat 20000: x = s .. "b"
end
function attack() s = string.rep("a", 8000000) while true do body() end end
