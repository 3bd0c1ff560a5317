(module (import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1) (data (i32.const 0) "more than ten bytes")
  (func $start (call $print (i32.const 0) (i32.const 19))) (start $start))
