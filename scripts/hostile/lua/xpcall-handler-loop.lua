-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() local function spin() while true do end end while true do xpcall(spin, spin) end end
