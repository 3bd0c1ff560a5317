;; wasm.abi
;; class 4 loading
(module (@custom "modhost" "modhost 2\n") (func (export "modhost_abi_1")) (func (export "attack")))
