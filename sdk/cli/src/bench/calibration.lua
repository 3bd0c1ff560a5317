function arithmetic(n)
    local sum = 0
    for i = 1, n do sum = (sum * 31 + i) % 65521 end
    return sum
end
local function down(n)
    if n < 1 then return 0 end
    return 1 + down(n - 1)
end
function calls(n)
    local sum = 0
    for i = 1, n do sum = sum + down(20) end
    return sum
end
function data(n)
    local list, sum = table.create(64, 0), 0
    for i = 1, n do
        local at = i % 64 + 1
        list[at] = list[at] + i
        sum = (sum + list[64 - i % 64]) % 65521
    end
    return sum
end
function host(n)
    local sum = 0
    for i = 1, n do sum = calibration.next(sum) end
    return sum
end
