(module (import "modhost" "panic" (func $panic (param i32 i32))) (memory (export "memory") 1) (data (i32.const 0) "not with me")
  (func (export "on_load") (call $panic (i32.const 0) (i32.const 11))))
