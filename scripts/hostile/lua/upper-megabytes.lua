-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local s = string.rep("a", 4000000) while true do string.upper(s) end end
