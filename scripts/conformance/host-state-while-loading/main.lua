host.count(1)
