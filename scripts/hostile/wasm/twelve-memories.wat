;; wasm.invalid
;; class 4 loading
;; each alone is within the limit
(module (memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(memory 200)(func (export "attack")))
