function run() return host.code("other", "one") end
function one() return 1 end
