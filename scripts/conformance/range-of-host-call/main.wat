(module
  (import "host" "add" (func $add (param i64 i64) (result i64)))
  (func (export "sum") (param $n i64) (result i64) (local $all i64) (local $bound i64)
    (local.set $bound (call $add (local.get $n) (i64.const 0)))
    (loop $next
      (local.set $all (i64.add (local.get $all) (local.get $n)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $next (i64.gt_s (local.get $n) (i64.const 0))))
    (local.get $all)))
