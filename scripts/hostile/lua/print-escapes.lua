-- ok
-- class 9 text for people
function attack() print("\27[2J\7\0\r\n\226\128\174 mod: plugin verified\u{2066}") return 1 end
