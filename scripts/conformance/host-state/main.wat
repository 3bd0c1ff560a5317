(module (import "host" "count" (func $c (param i64) (result i64))) (func (export "count") (param i64) (result i64) (call $c (local.get 0))))
