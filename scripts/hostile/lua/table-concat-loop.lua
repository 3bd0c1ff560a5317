-- limit.memory
-- class 2 long native steps
-- limits fuel=900000000000 deadline=5s
function attack() local t = table.create(100000, "xxxxxxxxxx") local all = {} while true do t[1] = tostring(#all) all[#all + 1] = table.concat(t) end end
