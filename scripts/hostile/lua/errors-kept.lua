-- limit.memory
-- class 5 memory outside the heap
-- limits fuel=900000000000 deadline=5s
function attack() local t = {} while true do local _, e = pcall(host.fail) t[#t + 1] = e end end
