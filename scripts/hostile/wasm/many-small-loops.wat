;; limit.deadline
;; class 1 catching limits
;; limits fuel=900000000000 deadline=60ms
;; no loop runs twice, the whole never ends
(module (func $f (loop (br_if 0 (i32.const 0)))) (func (export "attack") (loop (call $f) (call $f) (br 0))))
