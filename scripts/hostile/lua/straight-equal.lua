-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local meta, a, b, x
local function body()
-- repeat 10000: x = a == b
end
function attack() meta = { __eq = table.find } a, b = setmetatable(table.create(200000, 1), meta), setmetatable({}, meta) while true do body() end end
