-- limit.fuel
-- class 10 native stack
-- limits call_depth=100000 fuel=100000 deadline=2s
local function deep() string.gsub("a", "a", function() table.sort({2, 1}, function() local t = setmetatable({}, {__index = function() return coroutine.wrap(deep)() end}) return t.x end) end) end function attack() while true do pcall(deep) end end
