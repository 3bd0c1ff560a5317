-- limit.fuel
-- class 1 catching limits
-- limits fuel=100000
function attack() return (string.gsub("aaa", "a", function() while true do end end)) end
