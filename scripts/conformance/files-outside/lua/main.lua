local other = require("../lua/main")
