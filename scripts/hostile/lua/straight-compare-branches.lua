-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=500ms
local s, a, b, never, x
local function body()
-- repeat 8000: if never then body() end if a < b then x = 1 end
end
function attack() s = string.rep("a", 14000000) a, b = s .. "a", s .. "b" s = nil never = false while true do body() end end
