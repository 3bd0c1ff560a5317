-- limit.value
-- class 6 hostile values
function attack() local t = {1} for i = 1, 40 do t = {t, t} end return t end
