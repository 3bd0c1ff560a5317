local util = require("lib/util")
function double(n) return util.double(n) end
