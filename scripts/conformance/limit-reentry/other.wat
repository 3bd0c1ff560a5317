(module (func (export "one") (result i64) (i64.const 1)))
