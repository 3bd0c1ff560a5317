;; limit.fuel
;; class 2 long native steps
;; limits fuel=3000000
(module (table 1000000 funcref) (func (export "attack") (loop (table.fill (i32.const 0) (ref.null func) (i32.const 1000000)) (br 0))))
