-- host.failed
-- class 7 re-entry
function attack() return host.call('attack') end
