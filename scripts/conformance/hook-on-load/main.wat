(module
  (@custom "modhost" "modhost 1\nexport on_load(info: map<any>)\nexport id() -> str\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\00")
  (func (export "on_load") (param $at i32) (param $len i32) (result i64)
    ;; Keys are sorted, so id is the first: b1 07 01 08 .. 02 i d, and its value begins at 8.
    (memory.copy (i32.const 512) (i32.add (local.get $at) (i32.const 7)) (i32.const 16))
    (i32.store8 (i32.const 512) (i32.const 0xb1))
    (i64.const 0x0000001000000002))
  (func (export "id") (param i32 i32) (result i64)
    ;; b1 05 and the length, then the text.
    (i64.or (i64.shl (i64.const 512) (i64.const 32)) (i64.extend_i32_u (i32.add (i32.const 3) (i32.load8_u (i32.const 514)))))))
