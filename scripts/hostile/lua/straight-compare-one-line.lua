-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=500ms
local s, a, b, x
local function body()
-- repeat 500: x = {a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, a < b, }
end
function attack() s = string.rep("a", 14000000) a, b = s .. "a", s .. "b" s = nil while true do body() end end
