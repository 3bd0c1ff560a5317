-- script.type
-- class 6 hostile values
function attack() local t = table.create(500000) t[1], t[499999] = 1, 2 return t end
