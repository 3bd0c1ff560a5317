-- limit.memory
-- class 2 long native steps
-- limits memory=268435456 fuel=900000000000000 deadline=50ms
function attack() local s = string.rep("a", 200000000) while true do utf8.len(s) end end
