(module
  (@custom "modhost" "modhost 1\nimport host.text(length: int) -> str\n")
  (import "host" "text" (func $text (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "modhost_abi_1"))
  (global $top (mut i32) (i32.const 1024))
  ;; A heap that only grows, and gives up where it may not.
  (func (export "modhost_alloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (loop $more
      (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
          (br $more))))
    (local.get $at))
  (data (i32.const 16) "\b1\07\01\03\a0\9c\01")
  (func (export "run") (loop $l (drop (call $text (i32.const 16) (i32.const 7))) (br $l))))
