-- ok
-- class 3 kill and drop
-- limits memory=33554432
function attack() local t = {} for _ = 1, 100000 do t = { t } end keep = t return 1 end
