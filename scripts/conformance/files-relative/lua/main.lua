local deep = require("./lib/deep")
function double(n) return deep.double(n) end
