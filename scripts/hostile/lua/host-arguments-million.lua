-- limit.value
-- class 5 memory outside the heap
-- limits fuel=900000000000 deadline=5s
function attack() host.echo(string.byte(string.rep("a", 400000), 1, -1)) end
