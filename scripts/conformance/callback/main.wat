(module
  (@custom "modhost" "modhost 1\nexport ask() -> nil\nimport host.later(export: str)\n")
  (import "host" "later" (func $later (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\01\05\04wake")
  (func (export "ask") (param i32 i32) (result i64) (call $later (i32.const 16) (i32.const 9)))
  (func (export "wake") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1))))
