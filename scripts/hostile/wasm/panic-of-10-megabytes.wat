;; script.raised
;; class 9 text for people
(module (import "modhost" "panic" (func $p (param i32 i32))) (memory (export "memory") 200) (func (export "attack") (memory.fill (i32.const 0) (i32.const 0x41) (i32.const 10000000)) (call $p (i32.const 0) (i32.const 10000000))))
