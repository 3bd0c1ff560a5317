-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local t = table.create(500000, 1) while true do table.insert(t, 1, 2) table.remove(t, 1) end end
