local util = {}
function util.double(n) return host.add(n, n) end
return util
