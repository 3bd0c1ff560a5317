function run() for i = 1, 100 do pcall(function() local t = {} while true do t[#t + 1] = string.rep("x", 1000) .. #t end end) end return 1 end
