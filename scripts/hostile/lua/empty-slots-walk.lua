-- limit.deadline
-- class 2 long native steps
-- limits memory=67108864 fuel=900000000000000 deadline=50ms
function attack() local t = {} for i = 1, 300000 do t["k" .. i % 100000] = i end for k in t do t[k] = nil end while true do next(t) end end
