-- script.raised
-- class 9 text for people
function attack() error(setmetatable({ text = string.rep('\27[31m', 100000) }, { __tostring = function() while true do end end })) end
