function run() local ok = pcall(run) while not ok do run() end return 1 end
