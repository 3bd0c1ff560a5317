(module
  (@custom "modhost" "modhost 1\nexport text_for_number() -> any\nimport host.add(a: any, b: any) -> any\n")
  (import "host" "add" (func $add (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\02\05\011\03\04")
  (func (export "text_for_number") (param i32 i32) (result i64) (call $add (i32.const 16) (i32.const 8)))
  (func (export "one") (result i64) (i64.const 1)))
