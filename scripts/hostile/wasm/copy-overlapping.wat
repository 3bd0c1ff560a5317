;; limit.fuel
;; class 2 long native steps
;; limits fuel=10000000
(module (memory 240) (func (export "attack") (loop (memory.copy (i32.const 65536) (i32.const 0) (i32.const 15000000)) (memory.copy (i32.const 0) (i32.const 65536) (i32.const 15000000)) (br 0))))
