function two(a, b) return b end
