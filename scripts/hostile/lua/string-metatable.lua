-- ok
-- class 8 shared state
function attack() local ok = pcall(function() getmetatable("").__index.rep = nil end) local ok2 = pcall(function() string.rep = nil end) if ok and string.rep == nil then error("broken") end return 1 end
