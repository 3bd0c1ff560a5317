;; wasm.abi
;; class 6 hostile values
(module (import "modhost" "print" (func $p (param i32 i32))) (memory (export "memory") 1) (func (export "attack") (call $p (i32.const 65530) (i32.const 7))))
