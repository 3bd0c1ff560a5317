-- script.raised
-- class 9 text for people
function attack() error("engine.lua:1: \n\27[31mthe host is broken\27[0m\r\u{202e}", 0) end
