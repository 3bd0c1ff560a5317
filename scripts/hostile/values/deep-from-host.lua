-- limit.value lives
-- class 6 hostile values
-- the host itself hands over what is too deep
function attack() return host.deep(10000) end
