-- limit.memory
-- class 5 memory outside the heap
function attack() error(string.rep("x", 1e8)) end
