(module
  (@custom "modhost" "modhost 1\nexport run() -> any\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 512) "\b1\05\01\ff")
  (func (export "run") (param i32 i32) (result i64) (i64.const 0x20000000004)))
