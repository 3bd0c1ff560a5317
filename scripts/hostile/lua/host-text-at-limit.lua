-- limit.memory
-- class 5 memory outside the heap
-- limits memory=2097152 fuel=900000000000
function attack() local s = string.rep("x", 60000) local t = {} while true do t[#t + 1] = host.echo(s .. #t) end end
