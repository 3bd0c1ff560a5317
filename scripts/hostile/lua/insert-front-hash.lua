-- limit.deadline
-- class 2 long native steps
-- limits memory=67108864 fuel=900000000000000 deadline=100ms
function attack() local t = {} for i = 400000, 1, -1 do t[i] = 1 end while true do table.insert(t, 1, 2) end end
