-- limit.memory
-- class 1 catching limits
function attack() local function hog() local t = {} while true do t[#t + 1] = {} end end while true do xpcall(error, hog) end end
