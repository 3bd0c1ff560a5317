-- limit.memory
-- class 5 memory outside the heap
-- limits memory=67108864 fuel=1000000000 deadline=10s
-- each is small to the host's table, and twice that with what the heap keeps beside it
function attack() while true do host.mint() end end
