-- limit.memory
-- class 4 loading
local t = {} while true do t[#t + 1] = {} end
