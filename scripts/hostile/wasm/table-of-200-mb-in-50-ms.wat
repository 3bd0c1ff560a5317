;; limit.deadline
;; class 2 long native steps
;; limits memory=268435456 deadline=50ms
(module (table 25000000 funcref) (func (export "attack")))
