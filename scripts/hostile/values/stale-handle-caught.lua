-- ok
-- class 6 hostile values
-- only the stale one is refused
function attack() assert(not pcall(host.hold, host.stale())) return host.hold(host.mint()) end
