-- ok
-- class 8 shared state
function attack() local _, e = pcall(host.fail) assert(type(getmetatable(e)) ~= "table") assert(not pcall(setmetatable, e, {})) return 1 end
