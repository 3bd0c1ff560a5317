-- ok
-- class 6 hostile values
function attack() return host.echo(setmetatable({1, 2, 3}, {__index = error, __len = error, __iter = error, __eq = error, __metatable = "no"})) end
