-- limit.memory
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=2s
function attack() local a = string.rep(",", 8000000) return #string.split(a) end
