function ask() host.later("wake") end
function wake(n) return n + 1 end
