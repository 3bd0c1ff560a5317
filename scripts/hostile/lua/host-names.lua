-- limit.memory
-- class 5 memory outside the heap
-- limits memory=524288
local t = { attack = print }
for i = 1, 900 do t[string.rep('n', 220) .. i] = print end
return t
