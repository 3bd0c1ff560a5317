-- limit.memory
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() return pcall(table.move, {}, math.huge, -9, -2147483640) end
