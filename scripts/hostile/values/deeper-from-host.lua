-- limit.value lives
-- class 10 native stack
function attack() return host.deep(100000) end
