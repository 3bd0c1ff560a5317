-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() for _ in string.gmatch(string.rep("a", 400), string.rep("a*", 15) .. "b") do end end
