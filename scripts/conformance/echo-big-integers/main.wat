(module (func (export "echo") (param i64) (result i64) (local.get 0)))
