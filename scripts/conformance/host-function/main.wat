(module
  (import "host" "add" (func $add (param i64 i64) (result i64)))
  (import "host" "half" (func $half (param f64) (result f64)))
  (func (export "sum") (param i64 i64) (result i64) (call $add (local.get 0) (local.get 1)))
  (func (export "half") (param f64) (result f64) (call $half (local.get 0))))
