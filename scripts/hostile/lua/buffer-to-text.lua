-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local b = buffer.create(3000000) while true do buffer.tostring(b) buffer.readstring(b, 0, 3000000) end end
