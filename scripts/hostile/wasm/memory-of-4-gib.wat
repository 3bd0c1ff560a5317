;; limit.memory
;; class 4 loading
(module (memory 65536) (func (export "attack")))
