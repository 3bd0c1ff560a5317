function run() return host.other() end
function one() return 1 end
