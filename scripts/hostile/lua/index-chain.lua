-- script.raised
-- class 10 native stack
function attack() local t = {} for i = 1, 100000 do t = setmetatable({}, {__index = t}) end return t.x end
