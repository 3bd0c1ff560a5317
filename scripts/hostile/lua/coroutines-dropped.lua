-- limit.deadline
-- class 3 kill and drop
-- limits memory=134217728 fuel=900000000000 deadline=500ms
keep = {} function attack() for i = 1, 60000 do keep[i] = coroutine.wrap(function(...) local a = {...} coroutine.yield(a) end) keep[i](keep) end while true do end end
