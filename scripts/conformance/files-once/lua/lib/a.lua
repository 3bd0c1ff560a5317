local count = require("lib/count")
return { one = function() return count.of(1) end }
