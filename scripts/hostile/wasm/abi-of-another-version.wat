;; wasm.abi
;; class 4 loading
(module (func (export "modhost_abi_2")) (func (export "attack")))
