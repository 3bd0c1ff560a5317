function negate(flag) return not flag end
