(module (func (export "pair") (result i64 i64) (i64.const 1) (i64.const 2)) (func (export "one") (result i64) (i64.const 1)))
