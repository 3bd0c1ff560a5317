;; limit.depth
;; class 10 native stack
;; limits call_depth=4294967295
;; whatever the limit, frames stay below what the stack holds
(module (func $f (export "attack") (call $f)))
