-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() while true do pcall(table.sort, {3, 1, 2, 5, 4}, function(a, b) while true do end end) end end
