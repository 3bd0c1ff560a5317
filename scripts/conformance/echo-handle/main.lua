function echo(value) return value end
function hand(handle) return host.echo(handle) end
