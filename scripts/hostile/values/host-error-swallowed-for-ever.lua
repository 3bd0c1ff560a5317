-- limit.deadline
-- class 1 catching limits
-- limits fuel=900000000000 deadline=80ms
function attack() while true do pcall(host.fail) end end
