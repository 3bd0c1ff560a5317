function half_of_three() return host.half(3) end
