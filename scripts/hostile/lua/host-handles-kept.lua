-- limit.memory
-- class 5 memory outside the heap
-- limits fuel=1000000000 deadline=2s
local kept = {}
function attack() while true do kept[#kept + 1] = host.mint() end end
