local a = require("a")
