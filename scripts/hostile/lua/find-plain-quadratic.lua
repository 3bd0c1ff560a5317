-- limit.fuel
-- class 2 long native steps
-- limits fuel=60000
function attack() local a, b = string.rep("a", 200000), string.rep("a", 100000) .. "b" for i = 1, 1e6 do string.find(a, b, 1, true) end end
