-- limit.memory
-- class 2 long native steps
-- limits memory=268435456 fuel=900000000000000 deadline=50ms
function attack() local s = "abcdefghij" while true do s = s .. s .. s .. s end end
