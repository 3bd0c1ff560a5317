function chatter(lines) for i = 1, lines do pcall(print, "howling") end return lines end
