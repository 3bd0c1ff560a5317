(module
  (@custom "modhost" "modhost 1\nexport run() -> any\nimport host.ask(plugin: str, export: str, args: list<any>) -> any\n")
  (import "host" "ask" (func $ask (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 16) "\b1\07\03\05\05other\05\04back\07\00")
  (func (export "run") (param i32 i32) (result i64) (call $ask (i32.const 16) (i32.const 18)))
  (func (export "one") (result i64) (i64.const 1)))
