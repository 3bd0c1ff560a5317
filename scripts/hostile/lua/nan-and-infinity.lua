-- ok
-- class 6 hostile values
function attack() local v = host.echo({0 / 0, 1 / 0, -1 / 0, -0.0, 2 ^ 1023}) assert(v[1] ~= v[1] and v[2] == 1 / 0) return v end
