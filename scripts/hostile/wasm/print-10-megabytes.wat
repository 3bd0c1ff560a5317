;; limit.output
;; class 5 memory outside the heap
(module (import "modhost" "print" (func $p (param i32 i32))) (memory (export "memory") 160) (func (export "attack") (call $p (i32.const 0) (i32.const 10000000))))
