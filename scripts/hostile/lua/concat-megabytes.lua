-- limit.memory
-- class 2 long native steps
function attack() local s = "x" while true do s = s .. s end end
