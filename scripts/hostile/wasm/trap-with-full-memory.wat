;; limit.memory
;; class 3 kill and drop
;; what is dropped is large
(module (memory 200) (func (export "attack") (memory.fill (i32.const 0) (i32.const 1) (i32.const 13000000)) (drop (memory.grow (i32.const 100))) unreachable))
