-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local t = setmetatable({}, {__mode = "kv"}) while true do t[{}] = {} end end
