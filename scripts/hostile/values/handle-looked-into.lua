-- ok
-- class 6 hostile values
function attack() local h = host.mint() assert(not pcall(function() h.slot = 1 end)) assert(not pcall(function() return h + 1 end)) assert(getmetatable(h) == nil or type(getmetatable(h)) ~= 'table') return host.hold(h) end
