function trick() print("red\27[31m\u{202e}") print("two\nlines") end
