;; limit.memory
;; class 2 long native steps
;; limits memory=134217728 deadline=400ms
;; two thousand steps, each of which may move everything
(module (memory 1) (func (export "attack") (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable))
