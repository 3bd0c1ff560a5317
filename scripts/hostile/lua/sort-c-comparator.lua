-- limit.deadline
-- class 2 long native steps
-- limits memory=67108864 fuel=900000000000000 deadline=50ms
function attack() local t = table.create(1800000, 1) for i = 1, 1800000, 7 do t[i] = i end while true do pcall(table.sort, t, rawequal) end end
