;; wasm.invalid
;; class 4 loading
(module (func $s (param i32)) (start $s) (func (export "attack")))
