;; limit.deadline
;; class 2 long native steps
;; limits memory=268435456 deadline=50ms
;; to make it takes longer
(module (memory 4000) (func (export "attack")))
