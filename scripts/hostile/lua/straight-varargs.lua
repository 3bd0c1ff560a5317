-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local t, x
local function body(...)
-- repeat 10000: x = { ... }
end
function attack() t = table.create(200000, 1) while true do body(unpack(t)) end end
