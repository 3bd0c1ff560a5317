(module
  (@custom "modhost" "modhost 1\nexport heal(unit: {hp: int, kind: str}) -> {hp: int, kind: str}\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "heal") (param $at i32) (param $len i32) (result i64)
    ;; Keys are sorted, so hp is the first: b1 07 01 08 02 02 h p 03 and the number, in zigzag.
    (i32.store8 (i32.add (local.get $at) (i32.const 9)) (i32.add (i32.const 2) (i32.load8_u (i32.add (local.get $at) (i32.const 9)))))
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 0xb1))
    (i64.or
      (i64.shl (i64.extend_i32_u (i32.add (local.get $at) (i32.const 2))) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get $len) (i32.const 2))))))
