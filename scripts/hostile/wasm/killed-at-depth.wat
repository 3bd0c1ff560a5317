;; limit.fuel
;; class 3 kill and drop
;; limits fuel=400000
;; 150 frames are left where they are
(module (memory 1) (func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (loop (br 0))))) (func (export "attack") (call $f (i32.const 150))))
