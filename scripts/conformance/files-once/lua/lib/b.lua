local count = require("lib/count")
return { two = function() return count.of(11) end }
