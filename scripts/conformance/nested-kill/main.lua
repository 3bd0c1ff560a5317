function run() return host.code("other", "fall") end
function one() return 1 end
