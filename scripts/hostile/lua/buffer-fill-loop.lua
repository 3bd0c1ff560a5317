-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local b = buffer.create(8000000) while true do buffer.fill(b, 0, 1) buffer.copy(b, 0, b, 4000000) end end
