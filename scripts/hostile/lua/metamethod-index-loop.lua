-- limit.deadline
-- class 1 catching limits
-- limits fuel=900000000000 deadline=100ms
function attack() local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end end
