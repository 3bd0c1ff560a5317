;; wasm.invalid
;; class 4 loading
(module (func (export "attack") (drop (v128.const i64x2 0 0))))
