;; wasm.abi
;; class 4 loading
(module (@custom "modhost" "modhost 1\nexport ghost() -> int\n") (memory (export "memory") 1) (func (export "modhost_abi_1")) (func (export "modhost_alloc") (param i32) (result i32) (i32.const 0)) (func (export "attack")))
