-- limit.depth
-- class 10 native stack
local function deep() return (string.gsub("a", "a", deep)) end function attack() return deep() end
