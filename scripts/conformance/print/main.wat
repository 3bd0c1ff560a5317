(module (import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
  (data (i32.const 0) "one") (data (i32.const 16) "Zo\c3\ab \f0\9f\90\ba")
  (func (export "say") (call $print (i32.const 0) (i32.const 3)) (call $print (i32.const 16) (i32.const 9))))
