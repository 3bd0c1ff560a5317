function nothing_at_all() end
function ask() return host.later("x") end
