-- limit.value
-- class 1 catching limits
-- the host refuses the argument and the plugin catches it
function attack() local leaf = {1} for _ = 1, 25 do leaf = {leaf, leaf} end local ok, why = pcall(host.echo, leaf) return 'survived' end
