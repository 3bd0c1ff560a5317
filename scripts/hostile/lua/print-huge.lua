-- limit.output
-- class 5 memory outside the heap
function attack() print(string.rep("\255", 6000000)) end
