-- limit.memory
-- class 5 memory outside the heap
-- limits memory=1048576 value_bytes=8388608
local s, t = string.rep('x', 50000), {}
for i = 1, 100 do t[i] = s end
function attack() pcall(host.echo, t) return 1 end
