-- script.type
-- class 6 hostile values
-- a table is no handle, whatever it says
function attack() return host.hold({ kind = 7, slot = 0, generation = 1 }) end
