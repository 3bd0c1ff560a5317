;; wasm.trap
;; class 6 hostile values
(module (func (export "attack") (result i32) (i32.div_s (i32.const 1) (i32.const 0))))
