(module
  (@custom "modhost" "modhost 1\nexport mixed() -> any\nimport host.add(a: any, b: any) -> any\n")
  (import "host" "add" (func $add (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\02\04\00\00\00\00\00\00\e0?\03\02")
  (func (export "mixed") (param i32 i32) (result i64) (call $add (i32.const 16) (i32.const 14)))
  (func (export "one") (result i64) (i64.const 1)))
