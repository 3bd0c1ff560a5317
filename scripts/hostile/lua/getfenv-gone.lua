-- script.raised
-- class 8 shared state
function attack() return getfenv(1) end
