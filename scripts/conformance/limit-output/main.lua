function run(n) for i = 1, n do pcall(print, "howling") end return n end
