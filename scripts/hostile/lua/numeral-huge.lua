-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 memory=67108864 deadline=300ms
function attack() local s = string.rep(' ', 30000000) .. '1' pcall(function() return s + 1 end) return #s end
