-- limit.deadline
-- class 10 native stack
-- limits fuel=900000000000000 deadline=50ms
function attack() local t = table.create(100000, pcall) while true do pcall(table.unpack(t)) end end
