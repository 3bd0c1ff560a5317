(module (import "host" "count" (func $count (param i64) (result i64))) (func (export "run_other") (param i64) (result i64) (call $count (local.get 0))))
