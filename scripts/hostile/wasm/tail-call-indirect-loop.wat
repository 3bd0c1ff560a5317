;; limit.fuel
;; class 1 catching limits
;; limits fuel=500000
(module (table 1 funcref) (elem (i32.const 0) $f) (type $t (func)) (func $f (export "attack") (return_call_indirect (type $t) (i32.const 0))))
