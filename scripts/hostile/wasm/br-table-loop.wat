;; limit.fuel
;; class 1 catching limits
;; limits fuel=200000
(module (func (export "attack") (loop $l (br_table $l $l $l (i32.const 1)))))
