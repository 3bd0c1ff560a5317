function run_other(n) return host.count(n) end
