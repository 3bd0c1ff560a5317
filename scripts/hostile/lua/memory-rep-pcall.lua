-- limit.memory
-- class 1 catching limits
function attack() for i = 1, 1000 do pcall(string.rep, "x", 1e9) end return 1 end
