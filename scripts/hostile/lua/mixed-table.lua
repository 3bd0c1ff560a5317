-- script.type
-- class 6 hostile values
function attack() return {1, 2, a = 3} end
