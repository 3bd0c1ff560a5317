function run(n) host.add(n, 1) return 1 + run(n + 1) end
