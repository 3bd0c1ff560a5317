-- script.type
-- class 6 hostile values
function attack() return table.unpack(table.create(200000, 1)) end
