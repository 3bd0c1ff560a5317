-- limit.memory
-- class 5 memory outside the heap
-- limits memory=1048576
function attack() while true do pcall(host.mint) end end
