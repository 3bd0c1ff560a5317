-- limit.value
-- class 6 hostile values
-- limits memory=67108864
function attack() local map = {} for n = 1, 100000 do map['k' .. n] = n end return map end
