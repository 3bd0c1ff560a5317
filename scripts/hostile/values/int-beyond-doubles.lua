-- script.type
-- class 6 hostile values
-- 2^62 is no number that Lua holds exactly
function attack() return host.add(4611686018427387904, 4611686018427387904) end
