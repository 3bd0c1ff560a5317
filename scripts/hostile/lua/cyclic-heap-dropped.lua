-- limit.deadline
-- class 3 kill and drop
-- limits memory=134217728 fuel=900000000000 deadline=300ms
local last = {} function attack() while true do local t = {last} last[2] = t last[3] = function() return last end if #last > 2 then keep = last end last = t end end
