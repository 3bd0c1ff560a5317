function run(n) return host.wait(n) end
