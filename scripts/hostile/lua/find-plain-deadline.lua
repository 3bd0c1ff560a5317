-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local a, b = string.rep("a", 4000000), string.rep("a", 2000000) .. "b" while true do string.find(a, b, "1") end end
