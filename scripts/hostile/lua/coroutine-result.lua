-- script.type
-- class 6 hostile values
function attack() return {coroutine.create(print)} end
