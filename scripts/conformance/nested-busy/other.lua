function back() return host.code("main", "one") end
