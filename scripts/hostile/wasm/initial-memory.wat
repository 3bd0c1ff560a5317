;; limit.memory
;; class 4 loading
(module (memory 1000) (func (export "attack")))
