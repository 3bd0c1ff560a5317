;; limit.fuel
;; class 1 catching limits
;; limits fuel=3000000
(module (table 1 funcref) (func (export "attack") (loop $l (drop (table.grow (ref.null func) (i32.const 100000000))) (br $l))))
