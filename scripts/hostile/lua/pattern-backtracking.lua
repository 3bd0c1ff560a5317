-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() return string.find(string.rep("a", 500), string.rep(".-", 20) .. "b") end
