;; limit.value
;; class 6 hostile values
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\n")
  
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "\b1\07\c0\b8\02")
  
  (func (export "attack") (param i32 i32) (result i64) (local $i i32)
    (local.set $i (i32.const 5)) (loop (i32.store16 (local.get $i) (i32.const 8)) (local.set $i (i32.add (local.get $i) (i32.const 2))) (br_if 0 (i32.lt_u (local.get $i) (i32.const 80005)))) (i64.const 80005)))
