local function twice(n) return 2 * host.wait(n) end
function run(n) if n == 0 then return 0 end return twice(n) + host.wait(n) + 3 end
