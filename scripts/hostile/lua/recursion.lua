-- limit.depth
-- class 10 native stack
function attack() return 1 + attack() end
