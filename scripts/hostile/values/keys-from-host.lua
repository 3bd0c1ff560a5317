-- limit.value lives
-- class 6 hostile values
function attack() return host.keys(100000) end
