;; limit.fuel
;; class 5 memory outside the heap
;; limits fuel=300000
;; what is kept is bounded in lines, too
(module (import "modhost" "print" (func $p (param i32 i32))) (memory (export "memory") 1) (func (export "attack") (loop (call $p (i32.const 0) (i32.const 0)) (br 0))))
