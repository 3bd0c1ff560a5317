-- limit.value
-- class 6 hostile values
function attack() local t = {1} for i = 1, 100000 do t = {t} end return t end
