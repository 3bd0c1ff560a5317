;; limit.fuel
;; class 1 catching limits
;; limits fuel=3000000
(module (memory 1) (func (export "attack") (loop $l (drop (memory.grow (i32.const 60000))) (br $l))))
