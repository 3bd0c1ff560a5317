-- host.stale-handle
-- class 6 hostile values
function attack() return host.hold(host.stale()) end
