;; wasm.invalid
;; class 4 loading
(module (memory 1) (memory 1) (func (export "attack")))
