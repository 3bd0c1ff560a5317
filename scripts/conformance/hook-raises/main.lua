function on_load() error("not with me") end
