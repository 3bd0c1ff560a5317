(module
  (@custom "modhost" "modhost 1\nexport run(n: int) -> str\nimport host.text(length: int) -> str\n")
  (import "host" "text" (func $text (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i64) (call $text (local.get 0) (local.get 1))))
