;; limit.depth
;; class 10 native stack
;; limits call_depth=5000
(module (memory 1) (func $f (export "attack") (drop (memory.grow (i32.const 60000))) (call $f)))
