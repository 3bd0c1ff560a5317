-- limit.value
-- class 6 hostile values
function attack() return {[string.rep("k", 6000000)] = 1} end
