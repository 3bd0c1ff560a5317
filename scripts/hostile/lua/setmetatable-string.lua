-- script.raised
-- class 8 shared state
function attack() local m = getmetatable("") setmetatable(string, {__index = function() return 1 end}) m.__index = nil end
