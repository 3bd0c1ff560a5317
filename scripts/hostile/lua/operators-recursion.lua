-- limit.depth
-- class 10 native stack
local m = {} local function new() return setmetatable({}, m) end m.__eq = function(a, b) return new() == new() end m.__lt = function(a, b) return new() == b end m.__concat = function(a, b) return a < new() end m.__unm = function(a) return a .. a end function attack() return -new() end
