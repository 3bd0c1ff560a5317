function fail() error("no wolves") end function fine() return 1 end
