-- limit.fuel
-- class 7 re-entry
-- limits fuel=5000
function attack() local t = setmetatable({}, {__index = function(_, k) return host.call(k) end}) while true do pcall(function() return t.attack end) end end
