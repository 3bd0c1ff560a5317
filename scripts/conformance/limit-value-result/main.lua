function run(n) return string.rep("x", n) end
