;; limit.memory
;; class 2 long native steps
;; limits memory=50331648 deadline=1s
;; seven hundred steps, each of which may move everything
(module (memory 1) (func (export "attack") (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))
