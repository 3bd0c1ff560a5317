-- script.raised
-- class 8 shared state
function attack() host.echo = function() return 1 end end
