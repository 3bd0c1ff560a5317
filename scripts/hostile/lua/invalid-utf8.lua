-- script.type
-- class 6 hostile values
function attack() return "\255\254" end
