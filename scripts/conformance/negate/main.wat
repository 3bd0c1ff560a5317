(module
  (@custom "modhost" "modhost 1\nexport negate(flag: bool) -> bool\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "negate") (param $at i32) (param i32) (result i64)
    ;; 01 is false and 02 is true.
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 0xb1))
    (i32.store8 (i32.add (local.get $at) (i32.const 3)) (i32.xor (i32.const 3) (i32.load8_u (i32.add (local.get $at) (i32.const 3)))))
    (i64.or (i64.shl (i64.extend_i32_u (i32.add (local.get $at) (i32.const 2))) (i64.const 32)) (i64.const 2))))
