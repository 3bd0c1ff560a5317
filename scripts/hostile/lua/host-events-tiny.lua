-- limit.memory
-- class 5 memory outside the heap
-- limits memory=1048576 queue=1000000
function attack() while true do pcall(events.emit, 'noise', nil) end end
