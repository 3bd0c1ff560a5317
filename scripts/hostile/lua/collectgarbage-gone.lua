-- script.raised
-- class 8 shared state
function attack() return collectgarbage("count") end
