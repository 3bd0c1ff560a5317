(module
  (@custom "modhost" "modhost 1\nexport run() -> str\nimport host.code(plugin: str, export: str) -> str\n")
  (import "host" "code" (func $code (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\02\05\05other\05\03one")
  (func (export "run") (param i32 i32) (result i64) (call $code (i32.const 16) (i32.const 15)))
  (func (export "one") (result i64) (i64.const 1)))
