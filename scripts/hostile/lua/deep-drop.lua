-- ok
-- class 3 kill and drop
function attack() local t = {} for i = 1, 100000 do t = {t} end keep = t return 1 end
