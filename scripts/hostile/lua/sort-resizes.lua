-- limit.fuel
-- class 6 hostile values
-- limits fuel=300000
function attack() while true do local t = table.create(100, 5) pcall(table.sort, t, function(a, b) table.clear(t) for i = 1, 50 do t[i * 1000] = i end return a < b end) end end
