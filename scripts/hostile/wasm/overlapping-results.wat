;; ok
;; class 6 hostile values
;; the allocator writes over the arguments that are being read
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.echo(value: any) -> any\n")
  (import "host" "echo" (func $echo (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.store (i32.const 4096) (i32.const 0x050107b1)) (i32.store16 (i32.const 4100) (i32.const 0x6802)) (i32.const 4200))
  (data (i32.const 4096) "\b1\07\01\05\02hi")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (drop (call $echo (i32.const 4096) (i32.const 7))) (call $echo (i32.const 4096) (i32.const 7))))
