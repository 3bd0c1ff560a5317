-- limit.fuel
-- class 7 re-entry
-- limits fuel=10000
function attack() while true do coroutine.wrap(function() pcall(host.call, "attack") coroutine.yield() end)() end end
