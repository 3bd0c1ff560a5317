function too_few() return host.add(1) end
function too_many() return host.add(1, 2, 3) end
function one() return 1 end
