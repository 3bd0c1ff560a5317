-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
local mt = {__iter = function() return function() while true do end end end} function attack() while true do pcall(function() for _ in setmetatable({}, mt) do end end) end end
