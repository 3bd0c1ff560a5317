-- limit.memory
-- class 5 memory outside the heap
-- limits fuel=900000000000 deadline=2s
function attack() local t = {} for i = 1, 1e6 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end end
