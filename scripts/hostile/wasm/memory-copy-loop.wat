;; limit.deadline
;; class 2 long native steps
;; limits fuel=900000000000 deadline=50ms
(module (memory 200) (func (export "attack") (loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 13000000)) (br $l))))
