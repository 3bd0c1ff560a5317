-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
local t, x
local function body()
-- repeat 20000: x = #t
end
function attack() t = setmetatable(table.create(200000, 1), { __len = table.unpack }) while true do body() end end
