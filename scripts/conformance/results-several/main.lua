function pair() return 1, 2 end
function one() return 1 end
