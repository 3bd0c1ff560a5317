function through(value) return host.echo(value) end
