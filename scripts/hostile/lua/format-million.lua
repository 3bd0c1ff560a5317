-- script.raised
-- class 2 long native steps
-- limits memory=134217728 fuel=900000000000000 deadline=50ms
function attack() local t = table.create(900000, 1e308) return #string.format(string.rep("%.99f", 900000), table.unpack(t)) end
