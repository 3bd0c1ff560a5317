function half(x) return host.half(x) end
