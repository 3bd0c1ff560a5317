-- limit.fuel
-- class 4 loading
-- limits fuel=100000
while true do end
