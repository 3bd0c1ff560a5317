;; limit.fuel
;; class 1 catching limits
;; limits fuel=100000
(module (func (export "attack") (loop $l (br $l))))
