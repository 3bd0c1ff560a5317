-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms memory=33554432
local s = string.rep('1', 4000000)

local x, no
local function body()
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s x = -s
end
function attack() while true do pcall(body) end end
