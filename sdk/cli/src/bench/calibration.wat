(module
  (import "calibration" "next" (func $next (param i64) (result i64)))
  (memory 1)
  (func (export "arithmetic") (param $n i64) (result i64) (local $sum i64)
    (loop $l
      (local.set $sum (i64.rem_s (i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get $n)) (i64.const 65521)))
      (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $sum))
  (func $down (param $n i64) (result i64)
    (if (result i64) (i64.lt_s (local.get $n) (i64.const 1))
      (then (i64.const 0))
      (else (i64.add (i64.const 1) (call $down (i64.sub (local.get $n) (i64.const 1)))))))
  (func (export "calls") (param $n i64) (result i64) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (call $down (i64.const 20))))
      (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $sum))
  (func (export "data") (param $n i64) (result i64) (local $sum i64) (local $at i32)
    (loop $l
      (local.set $at (i32.and (i32.shl (i32.wrap_i64 (local.get $n)) (i32.const 3)) (i32.const 0xfff8)))
      (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (local.get $n)))
      (local.set $sum (i64.xor (local.get $sum) (i64.load (i32.sub (i32.const 0xfff8) (local.get $at)))))
      (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $sum))
  (func (export "host") (param $n i64) (result i64) (local $sum i64)
    (loop $l
      (local.set $sum (call $next (local.get $sum)))
      (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $sum)))
