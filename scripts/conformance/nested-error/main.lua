function run() return host.ask("other", "fail", {}) end
function one() return 1 end
