;; limit.fuel
;; class 1 catching limits
;; limits fuel=500000
;; a loop without a loop, and without depth
(module (func $f (export "attack") (return_call $f)))
