;; wasm.trap
;; class 6 hostile values
(module (func (export "attack") unreachable))
