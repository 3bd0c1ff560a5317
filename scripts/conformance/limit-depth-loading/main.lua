local function run(n) return 1 + run(n + 1) end run(1)
