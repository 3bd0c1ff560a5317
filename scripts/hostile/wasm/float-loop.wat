;; limit.deadline
;; class 1 catching limits
;; limits fuel=900000000000 deadline=60ms
;; the dearest operators at one unit each
(module (func (export "attack") (local f64) (loop (local.set 0 (f64.sqrt (f64.div (f64.add (local.get 0) (f64.const 1.5)) (f64.const nan)))) (br 0))))
