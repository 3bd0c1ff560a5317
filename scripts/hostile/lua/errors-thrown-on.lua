-- limit.fuel
-- class 5 memory outside the heap
-- limits fuel=5000
function attack() local e = select(2, pcall(host.fail)) while true do local ok, again = pcall(error, e) e = again local s = tostring(e) .. e .. "x" end end
