;; wasm.abi
;; class 6 hostile values
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\n")
  
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "\b1\03\80\00")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (i64.const 4)))
