;; limit.fuel
;; class 2 long native steps
(module (memory 200) (func (export "attack") (loop $l (memory.fill (i32.const 0) (i32.const 7) (i32.const 13000000)) (br $l))))
