local kept = {}
function run() while true do kept[#kept + 1] = host.text(10000) end end
