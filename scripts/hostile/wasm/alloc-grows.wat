;; limit.memory
;; class 6 hostile values
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\n")
  
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (loop (br_if 0 (i32.ne (memory.grow (i32.const 40)) (i32.const -1)))) unreachable)
  
  
  (func (export "attack") (param i32 i32) (result i64) 
    (i64.const 0)))
