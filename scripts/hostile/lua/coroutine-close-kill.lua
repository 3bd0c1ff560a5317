-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() while true do local co = coroutine.create(function() coroutine.yield() while true do end end) coroutine.resume(co) coroutine.close(co) pcall(coroutine.resume, co) pcall(coroutine.close, coroutine.running()) end end
