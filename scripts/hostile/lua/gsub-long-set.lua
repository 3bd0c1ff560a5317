-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local a, b = string.rep("a", 300000), "[" .. string.rep("b", 90) .. "a]*" while true do pcall(string.gsub, a, b, "") pcall(string.gsub, a .. a, string.rep(b, 100), "") end end
