function fail() error("no wolves") end
