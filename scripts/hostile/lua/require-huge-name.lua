-- limit.fuel
-- class 5 memory outside the heap
-- limits fuel=300000
function attack() local s = string.rep("\255", 6000000) while true do pcall(require, s) local _ = s .. "" s:upper() end end
