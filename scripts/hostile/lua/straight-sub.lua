-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, keep, x
local function body()
-- repeat 10000: x = string.sub(s, 2, 7999999)
end
function attack() s = string.rep("a", 8000000) keep = string.sub(s, 2, 7999999) while true do body() end end
