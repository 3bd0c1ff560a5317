;; wasm.abi
;; class 4 loading
(module (import "host" "add" (func (param f32) (result i64))) (func (export "attack")))
