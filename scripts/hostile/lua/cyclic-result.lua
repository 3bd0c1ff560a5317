-- limit.value
-- class 6 hostile values
function attack() local t = {} t[1] = t return t end
