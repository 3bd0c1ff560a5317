-- limit.fuel
-- class 2 long native steps
-- limits fuel=100000
function attack() local s = string.rep("a", 4000000) while true do utf8.len(s) end end
