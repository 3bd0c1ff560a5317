;; wasm.abi
;; class 6 hostile values
;; 32 bits would come out at 16
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\n")
  
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  
  
  (func (export "attack") (param i32 i32) (result i64) 
    (i64.const 0xffff_fff0_0000_0020)))
