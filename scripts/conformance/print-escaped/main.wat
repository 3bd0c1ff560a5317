(module (import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
  (data (i32.const 0) "red\1b[31m\e2\80\ae") (data (i32.const 32) "two\0alines")
  (func (export "trick") (call $print (i32.const 0) (i32.const 11)) (call $print (i32.const 32) (i32.const 9))))
