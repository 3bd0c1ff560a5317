-- script.type
-- class 6 hostile values
function attack() return host.add(0 / 0, 1) end
