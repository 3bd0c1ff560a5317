-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local s = string.rep("a", 5000000) local a, b = s .. "a", s .. "b" local n = 0 while true do if a < b then n += 1 end end end
