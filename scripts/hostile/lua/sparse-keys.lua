-- script.type
-- class 6 hostile values
function attack() local t = {} for i = 1, 20000 do t[i * 2] = 1 end return t end
