function fail() error({ message = "no wolves" }) end
function one() return 1 end
