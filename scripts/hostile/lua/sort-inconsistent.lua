-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local t = table.create(1000, 1) local n = 0 while true do pcall(table.sort, t, function() n += 1 return n % 3 == 0 end) end end
