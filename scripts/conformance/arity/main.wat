(module (func (export "two") (param i64 i64) (result i64) (local.get 1)))
