;; limit.depth
;; class 10 native stack
(module (func $f (export "attack") (call $f)))
