;; host.stale-handle
;; class 6 hostile values
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.hold(handle: handle) -> int\n")
  (import "host" "hold" (func $use (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "\b1\07\01\09\07\00\00\00\00\00\00\00\00\00\00\00")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (call $use (i32.const 0) (i32.const 16))))
