local n = 0
function bump() n += 1 return n end
