-- limit.depth
-- class 10 native stack
local function deep(a, b) table.sort({2, 1}, deep) return a < b end function attack() table.sort({2, 1}, deep) return 1 end
