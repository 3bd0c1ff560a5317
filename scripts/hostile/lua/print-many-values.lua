-- limit.output
-- class 5 memory outside the heap
function attack() print(table.unpack(table.create(100000, "text"))) end
