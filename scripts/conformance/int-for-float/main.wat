(module
  (@custom "modhost" "modhost 1\nexport half(x: any) -> any\nimport host.half(x: any) -> any\n")
  (import "host" "half" (func $half (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "half") (param i32 i32) (result i64) (call $half (local.get 0) (local.get 1))))
