-- script.type
-- class 6 hostile values
function attack() return print end
