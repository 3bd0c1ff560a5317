function run() return host.again("one") end function one() return 1 end
