;; host.failed
;; class 4 loading
;; while it is loaded it calls itself through the host: it is not there yet
(module (import "modhost" "print" (func $p (param i32 i32))) (import "host" "call" (func $c (param i32 i32) (result i64))) (@custom "modhost" "modhost 1\nimport host.call(export: str) -> any") (memory (export "memory") 1) (func (export "modhost_abi_1")) (func (export "modhost_alloc") (param i32) (result i32) (i32.const 64)) (data (i32.const 0) "\b1\07\01\05\06attack") (func $s (drop (call $c (i32.const 0) (i32.const 11)))) (start $s) (func (export "attack")))
