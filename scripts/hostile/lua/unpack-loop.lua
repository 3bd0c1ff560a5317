-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local f, s = string.rep("b", 5000), string.rep("a", 500000) while true do string.unpack(f, s) end end
