-- limit.value
-- class 6 hostile values
function attack() local t = {} t.t = t return host.echo(t) end
