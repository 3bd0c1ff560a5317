;; wasm.trap
;; class 4 loading
(module (memory 1) (data (i32.const -1) "x") (func (export "attack")))
