;; limit.depth
;; class 4 loading
(module (func $s (call $s)) (start $s) (func (export "attack")))
