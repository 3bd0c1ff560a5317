;; limit.deadline
;; class 2 long native steps
;; limits fuel=18446744073709551615 memory=268435456 deadline=150ms
;; one fill of 250 MB is one operator
(module (memory 4000) (func (export "attack") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 262144000)) (br 0))))
