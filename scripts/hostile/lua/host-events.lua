-- limit.memory
-- class 5 memory outside the heap
-- limits memory=4194304 queue=1000000
local s = string.rep('x', 10000)
function attack() while true do pcall(events.emit, 'noise', s) end end
