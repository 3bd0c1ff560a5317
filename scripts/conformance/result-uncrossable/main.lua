function callable() return print end
-- Keys of two kinds.
function strange() return { 1, x = 2 } end
function one() return 1 end
