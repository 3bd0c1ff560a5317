;; limit.output
;; class 5 memory outside the heap
(module (import "modhost" "print" (func $p (param i32 i32))) (memory (export "memory") 1) (func (export "attack") (loop (call $p (i32.const 0) (i32.const 1000)) (br 0))))
