-- limit.fuel
-- class 7 re-entry
-- limits fuel=20000
function attack() while true do pcall(host.call, "attack") end end
