-- limit.deadline
-- class 5 memory outside the heap
-- limits fuel=900000000000 deadline=80ms
-- each round leaves 400 kB with the host, for the length of the call
function attack() local kept = string.rep('y', 200000) while true do host.echo(kept) end end
