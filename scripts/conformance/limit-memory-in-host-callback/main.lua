-- A text of its own each time: Luau keeps equal ones once.
local kept = {}
function run() while true do kept[#kept + 1] = host.text(10000 + #kept) end end
