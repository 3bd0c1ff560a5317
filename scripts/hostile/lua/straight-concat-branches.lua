-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local s, never = string.rep("a", 8000000), false
local x
local function body()
-- repeat 10000: if never then body() end x = s .. "b"
end
function attack() while true do body() end end
