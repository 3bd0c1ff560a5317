-- ok
-- class 6 hostile values
function attack() return setmetatable({1, 2}, {__len = function() return 1e9 end, __index = function() return 1 end}) end
