;; limit.depth
;; class 10 native stack
(module (func $a (export "attack") (call $b)) (func $b (call $a)))
