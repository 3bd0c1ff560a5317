-- script.raised
-- class 6 hostile values
function attack() coroutine.yield(1) return 2 end
