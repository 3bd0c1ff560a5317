-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local k, t, x
local function body()
-- repeat 20000: x = t[k]
end
function attack() t = {} for i = 1, 200000 do t[i + 0.5] = 1 end for i = 1, 199999 do t[i + 0.5] = nil end setmetatable(t, { __index = next }) while true do body() end end
