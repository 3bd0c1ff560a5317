;; limit.fuel
;; class 3 kill and drop
;; limits fuel=300000
;; guest, host and guest are on the stack when it ends
(module
  (@custom "modhost" "modhost 1\nexport attack() -> any\nimport host.echo(value: any) -> any\n")
  (import "host" "echo" (func $echo (param i32 i32) (result i64)))
  (memory (export "memory") 4) (func (export "modhost_abi_1"))
  (global $n (mut i32) (i32.const 0)) (func (export "modhost_alloc") (param i32) (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (if (i32.gt_u (global.get $n) (i32.const 1)) (then (loop (br 0)))) (i32.const 4096))
  (data (i32.const 0) "\b1\07\01\02")
  
  (func (export "attack") (param i32 i32) (result i64) 
    (call $echo (i32.const 0) (i32.const 4))))
