function run() return host.ask("main", "one", {}) end
function one() return 1 end
