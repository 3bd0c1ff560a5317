local util = require("lib/util")
