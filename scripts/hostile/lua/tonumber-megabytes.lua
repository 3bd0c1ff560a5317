-- limit.deadline
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() local s = "0." .. string.rep("0", 4000000) .. "1e4000000" while true do tonumber(s) pcall(function() return s + 1 end) end end
