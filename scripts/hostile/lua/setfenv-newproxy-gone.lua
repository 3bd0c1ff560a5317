-- ok
-- class 8 shared state
function attack() assert(setfenv == nil and newproxy == nil and load == nil and dofile == nil and gcinfo == nil and package == nil) return 1 end
