-- limit.fuel
-- class 2 long native steps
-- limits fuel=300000
function attack() local keep = {} for i = 1, 60000 do keep[i] = {i} end while true do local t = {1, 2, 3} end end
