-- limit.value
-- class 6 hostile values
function attack() return buffer.create(8000000) end
