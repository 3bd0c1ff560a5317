-- limit.value
-- class 1 catching limits
-- limits fuel=20000000
-- it catches the refusal and tries again
function attack() local s = 'x' while true do local ok, t = pcall(host.echo, s) if ok then s = t .. t end end end
