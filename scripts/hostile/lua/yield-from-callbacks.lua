-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() while true do coroutine.resume(coroutine.create(function() pcall(table.sort, {3, 2, 1}, coroutine.yield) pcall(string.gsub, "aa", "a", coroutine.yield) setmetatable({}, {__index = coroutine.yield}).x() end)) end end
