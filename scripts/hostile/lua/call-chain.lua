-- script.raised
-- class 10 native stack
function attack() local f = print for i = 1, 100000 do f = setmetatable({}, {__call = f}) end f() end
