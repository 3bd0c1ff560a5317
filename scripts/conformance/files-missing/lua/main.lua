local gone = require("lib/gone")
