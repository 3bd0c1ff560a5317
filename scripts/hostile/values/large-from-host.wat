;; limit.value lives
;; class 6 hostile values
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.text(length: int) -> str\n")
  (import "host" "text" (func $text (param i32 i32) (result i64)))
  (memory (export "memory") 2) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (data (i32.const 0) "\b1\07\01\03\80\da\c4\09")
  (func (export "attack") (param i32 i32) (result i64) (call $text (i32.const 0) (i32.const 8))))
