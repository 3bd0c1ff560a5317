-- limit.value lives
-- class 6 hostile values
-- five megabytes, of which one may cross
function attack() return host.text(5000000) end
