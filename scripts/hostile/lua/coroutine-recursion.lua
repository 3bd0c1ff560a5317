-- limit.depth
-- class 10 native stack
local function deep() return coroutine.wrap(deep)() end function attack() return deep() end
