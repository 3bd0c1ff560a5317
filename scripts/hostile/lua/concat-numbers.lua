-- limit.deadline
-- class 2 long native steps
-- limits memory=67108864 fuel=900000000000000 deadline=200ms
function attack() local t = table.create(500000, 1) for i = 1, 500000 do t[i] = i + 0.123456 end while true do table.concat(t, ',') end end
