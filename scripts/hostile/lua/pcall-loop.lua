-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() while true do pcall(function() while true do end end) end end
