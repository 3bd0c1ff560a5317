function once() return host.greet("wolf") end
function once_by_nil() return host.greet("wolf", nil) end
function twice() return host.greet("wolf", 2) end
