-- limit.memory
-- class 1 catching limits
function attack() for i = 1, 1000 do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end return 1 end
