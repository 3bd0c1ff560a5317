function sum(a, b) return host.add(a, b) end function half(x) return host.half(x) end
