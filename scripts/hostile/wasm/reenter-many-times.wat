;; host.failed
;; class 7 re-entry
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.call(export: str) -> any\n")
  (import "host" "call" (func $call (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "\b1\07\01\05\06attack")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (loop (drop (call $call (i32.const 0) (i32.const 11))) (br 0)) unreachable))
