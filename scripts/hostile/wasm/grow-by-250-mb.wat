;; limit.deadline
;; class 2 long native steps
;; limits fuel=18446744073709551615 memory=268435456 deadline=50ms
;; one step
(module (memory 1) (func (export "attack") (loop (drop (memory.grow (i32.const 3999))) (br 0))))
