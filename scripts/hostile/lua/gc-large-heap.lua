-- limit.deadline
-- class 2 long native steps
-- limits memory=268435456 fuel=900000000000000 deadline=300ms
function attack() local t = {} while true do for i = 1, 1000 do t[#t % 400000 + 1] = {i} end end end
