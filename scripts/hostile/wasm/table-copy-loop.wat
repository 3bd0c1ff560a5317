;; limit.deadline
;; class 2 long native steps
;; limits fuel=900000000000 deadline=60ms
(module (table 1000000 funcref) (func (export "attack") (loop (table.copy (i32.const 0) (i32.const 1) (i32.const 999999)) (br 0))))
