;; wasm.invalid
;; class 4 loading
(module (tag $e) (func (export "attack") (throw $e)))
