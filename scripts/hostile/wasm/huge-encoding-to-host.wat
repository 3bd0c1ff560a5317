;; limit.fuel
;; class 2 long native steps
;; limits fuel=2000000
;; each round the host decodes, copies and encodes 200 kB
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.echo(value: any) -> any\n")
  (import "host" "echo" (func $echo (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 4096))
  (data (i32.const 0) "\b1\07\01\06\c0\9a\0c")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (loop (drop (call $echo (i32.const 0) (i32.const 200007))) (br 0)) unreachable))
