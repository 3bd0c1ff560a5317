-- limit.depth
-- class 10 native stack
function attack() local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) return tostring(t) end
