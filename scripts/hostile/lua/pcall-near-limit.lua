-- limit.memory
-- class 1 catching limits
-- limits memory=1048576
function attack() local t = {} while true do pcall(function() while true do t[#t + 1] = string.rep("x", 500) .. #t end end) t[#t] = nil end end
