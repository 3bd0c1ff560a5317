;; limit.fuel
;; class 1 catching limits
;; limits fuel=300000
;; each call of the host pays, so that calling it for ever is not free
(module (import "host" "add" (func $a (param i64 i64) (result i64))) (func (export "attack") (loop (drop (call $a (i64.const 1) (i64.const 2))) (br 0))))
