function run(n) return host.echo(string.rep("x", n)) end
