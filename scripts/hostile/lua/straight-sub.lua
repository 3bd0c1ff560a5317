-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s = string.rep("a", 8000000) local keep = string.sub(s, 2, 7999999)
local x
local function body()
-- repeat 10000: x = string.sub(s, 2, 7999999)
end
function attack() while true do body() end end
