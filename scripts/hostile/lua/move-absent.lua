-- limit.deadline
-- class 2 long native steps
-- limits memory=268435456 fuel=900000000000000 deadline=50ms
local wide = table.create(1000000, 1)
function attack() while true do table.move({}, 1, 1900000, -2000000, wide) end end
