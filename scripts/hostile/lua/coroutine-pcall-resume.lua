-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() for i = 1, 1e9 do local co = coroutine.create(function() while true do end end) coroutine.resume(co) end return 1 end
