function count(by) return host.count(by) end
