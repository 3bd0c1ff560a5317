-- script.raised
-- class 6 hostile values
function attack() local t = {} for i = 1, 1e5 do t = {t, message = t} end error(t) end
