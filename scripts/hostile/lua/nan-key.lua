-- script.raised
-- class 6 hostile values
function attack() local t = {} t[0 / 0] = 1 return t end
