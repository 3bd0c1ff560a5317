return require("./util")
