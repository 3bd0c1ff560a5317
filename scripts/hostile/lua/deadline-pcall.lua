-- limit.deadline
-- class 1 catching limits
-- limits fuel=900000000000 deadline=50ms
function attack() while true do pcall(function() while true do end end) end end
