function run() return host.ask("other", "back", {}) end
function one() return 1 end
