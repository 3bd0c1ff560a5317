;; limit.deadline
;; class 1 catching limits
;; limits fuel=900000000000 deadline=50ms
(module (func (export "attack") (loop $l (br $l))))
