(module
  (@custom "modhost" "modhost 1\nexport echo(value: any) -> any\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "echo") (param $at i32) (param $len i32) (result i64)
    ;; The one argument begins at 3; with the format's byte before it, it is the answer.
    (i32.store8 (i32.add (local.get $at) (i32.const 2)) (i32.const 0xb1))
    (i64.or
      (i64.shl (i64.extend_i32_u (i32.add (local.get $at) (i32.const 2))) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get $len) (i32.const 2))))))
