;; limit.value
;; class 10 native stack
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\n")
  (memory (export "memory") 10) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 600000))
  (func (export "attack") (param i32 i32) (result i64) (local $at i32)
    (i32.store8 (i32.const 0) (i32.const 0xb1)) (local.set $at (i32.const 1))
    ;; 100,000 maps, each in the one before under the key "".
    (loop (i32.store (local.get $at) (i32.const 0x00000108)) (local.set $at (i32.add (local.get $at) (i32.const 3)))
      (br_if 0 (i32.lt_u (local.get $at) (i32.const 300000))))
    (i64.const 300002)))
