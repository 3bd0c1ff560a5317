(module (func (export "fail") unreachable))
