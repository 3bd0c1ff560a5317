-- limit.value
-- class 6 hostile values
function attack() local a, b = {}, {} a.b, b.a = b, a return host.echo(a) end
