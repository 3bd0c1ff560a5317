-- script.raised
-- class 8 shared state
function attack() return debug.getregistry() end
