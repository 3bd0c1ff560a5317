-- script.raised
-- class 6 hostile values
function attack() error(setmetatable({}, {__tostring = function() while true do end end})) end
