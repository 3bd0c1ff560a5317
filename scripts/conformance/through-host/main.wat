(module
  (@custom "modhost" "modhost 1\nexport through(value: any) -> any\nimport host.echo(value: any) -> any\n")
  (import "host" "echo" (func $echo (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "through") (param i32 i32) (result i64) (call $echo (local.get 0) (local.get 1))))
