-- limit.memory
-- class 2 long native steps
function attack() return #table.create(1e9, 1) end
