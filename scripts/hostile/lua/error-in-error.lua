-- script.raised
-- class 6 hostile values
function attack() xpcall(function() error({}) end, function(e) error(setmetatable({}, {__tostring = error, __concat = error}), 0) end) local _, e = pcall(host.fail) error(setmetatable({message = {}}, {__index = error})) end
