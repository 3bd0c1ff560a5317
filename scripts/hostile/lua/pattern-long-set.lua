-- script.raised
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local a, b = string.rep("a", 4000000), "[" .. string.rep("b", 1000000) .. "a]*" return #string.match(a, b) end
