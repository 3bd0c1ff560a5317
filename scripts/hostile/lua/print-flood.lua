-- limit.output
-- class 5 memory outside the heap
function attack() while true do print(string.rep("x", 1000)) end end
