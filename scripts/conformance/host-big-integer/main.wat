(module (import "host" "add" (func $add (param i64 i64) (result i64))) (func (export "beyond") (result i64) (call $add (i64.const 9007199254740992) (i64.const 1))))
