function run(n) return { host.count(1), host.ask("other", "run_other", { n }), host.count(100) } end
