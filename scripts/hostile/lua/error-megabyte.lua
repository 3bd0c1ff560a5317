-- script.raised
-- class 5 memory outside the heap
function attack() error(string.rep("x", 4000000)) end
