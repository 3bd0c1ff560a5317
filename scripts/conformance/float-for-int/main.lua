function mixed() return host.add(0.5, 1) end
function one() return 1 end
