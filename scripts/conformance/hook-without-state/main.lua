function on_load() host.count(1) end
