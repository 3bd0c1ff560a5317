-- limit.memory
-- class 3 kill and drop
-- limits deadline=1s fuel=900000000000
function attack() local f = function() end while true do local g = f f = function() return g, f end end end
