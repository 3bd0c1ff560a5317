-- limit.fuel
-- class 5 memory outside the heap
-- limits fuel=5000
function attack() while true do pcall(events.emit, 'noise', 1) end end
