-- limit.value
-- class 10 native stack
-- limits memory=33554432
-- no converter may recurse as deep as a guest likes
function attack() local t = {} for _ = 1, 100000 do t = { t } end return host.echo(t) end
