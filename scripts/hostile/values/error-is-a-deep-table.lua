-- script.raised
-- class 9 text for people
function attack() local t = {} for _ = 1, 5000 do t = { t } end error(t) end
