-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local t = {} for at = 0, 29 do t[2 ^ at] = 1 end while true do table.insert(t, 1, 0) end end
