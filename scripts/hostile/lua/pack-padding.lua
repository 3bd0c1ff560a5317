-- limit.memory
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() return #string.pack("c1000000000", "") end
