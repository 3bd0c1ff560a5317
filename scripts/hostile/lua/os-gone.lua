-- script.raised
-- class 8 shared state
function attack() return os.execute("true") end
