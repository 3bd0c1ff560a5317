;; limit.depth
;; class 10 native stack
(module (table 1 funcref) (elem (i32.const 0) $f) (type $t (func)) (func $f (export "attack") (call_indirect (type $t) (i32.const 0))))
