(module
  (@custom "modhost" "modhost 1\nexport size() -> int\nimport host.size(bytes: bytes) -> int\n")
  (import "host" "size" (func $size (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\01\06\03\ff\00a")
  (func (export "size") (param i32 i32) (result i64) (call $size (i32.const 16) (i32.const 8))))
