-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local meta = { __eq = table.find } local a, b = setmetatable(table.create(200000, 1), meta), setmetatable({}, meta)
local x
local function body()
-- repeat 10000: x = a == b
end
function attack() while true do body() end end
