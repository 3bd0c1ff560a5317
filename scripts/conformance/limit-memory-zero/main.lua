local all = {} for i = 1, 10000 do all[i] = { i } end
