-- limit.value
-- class 6 hostile values
-- limits memory=67108864
function attack() return table.create(1000000, 1) end
