-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, x
local function body()
-- repeat 10000: x = { s, s, s, s, s, s, s, s }
end
function attack() s = {} while true do body() end end
