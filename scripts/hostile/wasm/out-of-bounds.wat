;; wasm.trap
;; class 6 hostile values
(module (memory 1) (func (export "attack") (result i32) (i32.load (i32.const 100000))))
