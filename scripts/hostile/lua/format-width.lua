-- script.raised
-- class 2 long native steps
function attack() return string.format("%99999999d", 1) end
