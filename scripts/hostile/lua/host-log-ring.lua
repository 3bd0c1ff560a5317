-- limit.memory
-- class 5 memory outside the heap
-- limits memory=131072 output=1000000000
local s = string.rep('x', 1000)
function attack() while true do pcall(print, s) end end
