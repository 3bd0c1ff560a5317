(module
  (@custom "modhost" "modhost 1\nexport ask() -> nil\nimport host.later(export: str)\n")
  (import "host" "later" (func $later (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "nothing_at_all"))
  (data (i32.const 16) "\b1\07\01\05\01x")
  (func (export "ask") (param i32 i32) (result i64) (call $later (i32.const 16) (i32.const 6))))
