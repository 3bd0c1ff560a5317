-- script.raised
-- class 8 shared state
function attack() return io.open("/etc/passwd") end
