(module (import "modhost" "print" (func $print (param i32 i32))) (memory (export "memory") 1) (data (i32.const 0) "howling")
  (func (export "chatter") (param $lines i64) (result i64) (local $at i64)
    (block $done
      (loop $next
        (br_if $done (i64.ge_s (local.get $at) (local.get $lines)))
        (call $print (i32.const 0) (i32.const 7))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $next)))
    (local.get $lines)))
