;; limit.fuel
;; class 1 catching limits
;; limits fuel=200000
;; the limit strikes in the allocator, which the host calls
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.echo(value: any) -> any\n")
  (import "host" "echo" (func $echo (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (loop (br 0)) (i32.const 0))
  (data (i32.const 0) "\b1\07\01\02")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (call $echo (i32.const 0) (i32.const 4))))
