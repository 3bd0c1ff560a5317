(module (import "host" "other" (func $f (result i64))) (func (export "run") (result i64) (call $f)) (func (export "one") (result i64) (i64.const 1)))
