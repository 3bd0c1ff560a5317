-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local t, x
local function body()
-- repeat 20000: x = t[-(2 ^ 52)]
end
function attack() t = {} for i = 1, 12000 do t[i * 2 ^ 40] = i end while true do body() end end
