-- limit.deadline
-- class 2 long native steps
-- limits memory=268435456 fuel=900000000000000 deadline=50ms
function attack() local t = {} for at = 0, 20 do t[2 ^ at] = 1 end while true do table.remove(t, 1) t[1] = 1 end end
