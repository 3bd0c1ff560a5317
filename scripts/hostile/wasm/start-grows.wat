;; limit.memory
;; class 4 loading
(module (memory 1) (func $s (loop (br_if 0 (i32.ne (memory.grow (i32.const 50)) (i32.const -1)))) unreachable) (start $s) (func (export "attack")))
