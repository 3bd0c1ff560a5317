local a = require("lib/a")
local b = require("lib/b")
function both() return a.one() + b.two() end
