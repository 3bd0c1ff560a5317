-- limit.memory
-- class 2 long native steps
-- limits fuel=900000000000000 deadline=50ms
function attack() return table.move({}, 1, 2e9, 1e3, {}) end
