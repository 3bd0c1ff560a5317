;; limit.memory
;; class 4 loading
(module (table 10000000 funcref) (func (export "attack")))
