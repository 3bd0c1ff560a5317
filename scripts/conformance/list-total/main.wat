(module
  (@custom "modhost" "modhost 1\nexport total(numbers: list<int>) -> int\n")
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (func (export "modhost_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "total") (param $at i32) (param $len i32) (result i64)
    (local $end i32) (local $sum i32)
    ;; b1 07 01 07 and the count, then 03 and a number for each; zigzag numbers of one byte add up as they are.
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (local.set $at (i32.add (local.get $at) (i32.const 5)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get $at) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br $next)))
    (i32.store16 (i32.const 16) (i32.const 0x03b1))
    (i32.store8 (i32.const 18) (local.get $sum))
    (i64.const 0x0000001000000003)))
