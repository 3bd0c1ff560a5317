function run() return host.nothing() end
