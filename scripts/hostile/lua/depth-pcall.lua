-- limit.depth
-- class 1 catching limits
local function deep() pcall(deep) return deep() end function attack() return deep() end
