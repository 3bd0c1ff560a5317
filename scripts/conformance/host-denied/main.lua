function run() return host.locked() end
