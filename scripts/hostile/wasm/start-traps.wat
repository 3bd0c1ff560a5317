;; wasm.trap
;; class 4 loading
(module (func $s unreachable) (start $s) (func (export "attack")))
