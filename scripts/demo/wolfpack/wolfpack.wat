;; Plain numbers need no SDK: an i64 is an int, an f64 a float. The import module is the first part of the host function's name.
(module
  (import "dice" "roll" (func $roll (param i64) (result i64)))
  ;; bonus(pack: int) -> int: what a bite does beyond the rules, in a pack of this size.
  (func (export "bonus") (param $pack i64) (result i64)
    (if (result i64) (i64.lt_s (local.get $pack) (i64.const 2))
      (then (i64.const 0))
      (else (i64.div_s (call $roll (i64.mul (local.get $pack) (i64.const 2))) (i64.const 3))))))
