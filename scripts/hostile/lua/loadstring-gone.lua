-- script.raised
-- class 8 shared state
function attack() return loadstring("return 1") end
