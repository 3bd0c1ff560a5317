function double(n) return require("lib/util").double(n) end
