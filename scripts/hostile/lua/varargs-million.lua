-- limit.deadline
-- class 2 long native steps
-- limits memory=134217728 fuel=900000000000000 deadline=50ms
local function pass(...) return select("#", ...) end function attack() local t = table.create(900000, 1) while true do pass(table.unpack(t)) end end
