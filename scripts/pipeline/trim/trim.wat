;; A filter in WebAssembly's text form. It speaks the codec of ABI.md: the arguments come as a list of one text,
;; `b1 07 01 05 <length> <text>`, and the answer is a text, `b1 05 <length> <text>`.
(module
  (@custom "modhost" "modhost 1\nimport editor.filter(export: str, title: str)\nexport on_enable()\nexport apply(text: str) -> str\n")
  (import "editor" "filter" (func $filter (param i32 i32) (result i64)))
  (memory (export "memory") 2)
  (func (export "modhost_abi_1"))

  ;; The list ["apply", "no spaces at the ends of lines"], and nil.
  (data (i32.const 16) "\b1\07\02\05\05apply\05\1eno spaces at the ends of lines")
  (data (i32.const 128) "\b1\00")

  ;; Room grows upwards from 256 and starts anew with each call of the host's.
  (global $top (mut i32) (i32.const 256))
  (func $alloc (export "modhost_alloc") (param $size i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.set $missing (i32.sub (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (i32.add (i32.div_u (local.get $missing) (i32.const 65536)) (i32.const 1))) (i32.const -1))
          (then unreachable))))
    (local.get $at))

  (func $range (param $at i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))

  (func (export "on_enable") (param i32 i32) (result i64)
    (drop (call $filter (i32.const 16) (i32.const 42)))
    (call $range (i32.const 128) (i32.const 2)))

  (func (export "apply") (param $args i32) (param $size i32) (result i64)
    (local $from i32) (local $end i32) (local $to i32) (local $out i32) (local $keep i32) (local $char i32) (local $len i32)
    (local.set $end (i32.add (local.get $args) (local.get $size)))
    ;; The text begins after its length, whose last byte has no high bit.
    (local.set $from (i32.add (local.get $args) (i32.const 4)))
    (loop $length
      (local.set $char (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br_if $length (i32.and (local.get $char) (i32.const 128))))
    ;; Sixteen bytes are left free for what comes before the text.
    (local.set $out (i32.add (call $alloc (i32.add (local.get $size) (i32.const 16))) (i32.const 16)))
    (local.set $to (local.get $out))
    ;; $keep is the end of the line so far, without spaces.
    (local.set $keep (local.get $out))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $char (i32.load8_u (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (if (i32.eq (local.get $char) (i32.const 10)) (then (local.set $to (local.get $keep))))
        (i32.store8 (local.get $to) (local.get $char))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (if (i32.eqz (i32.or (i32.eq (local.get $char) (i32.const 32)) (i32.eq (local.get $char) (i32.const 9))))
          (then (local.set $keep (local.get $to))))
        (br $next)))
    (local.set $len (i32.sub (local.get $keep) (local.get $out)))
    (call $text (local.get $out) (local.get $len))
    (global.set $top (i32.const 256)))

  ;; Writes what stands before a text of $len bytes at $out, and says where the whole begins and how long it is.
  (func $text (param $out i32) (param $len i32) (result i64)
    (local $rest i32) (local $head i32) (local $at i32)
    ;; How many bytes the length takes, seven bits each.
    (local.set $rest (local.get $len))
    (local.set $head (i32.const 3))
    (block $counted
      (loop $count
        (local.set $rest (i32.shr_u (local.get $rest) (i32.const 7)))
        (br_if $counted (i32.eqz (local.get $rest)))
        (local.set $head (i32.add (local.get $head) (i32.const 1)))
        (br $count)))
    (local.set $at (i32.sub (local.get $out) (local.get $head)))
    (i32.store16 (local.get $at) (i32.const 0x05b1))
    (local.set $at (i32.add (local.get $at) (i32.const 2)))
    (local.set $rest (local.get $len))
    (block $written
      (loop $write
        (if (i32.lt_u (local.get $rest) (i32.const 128))
          (then (i32.store8 (local.get $at) (local.get $rest)) (br $written)))
        (i32.store8 (local.get $at) (i32.or (local.get $rest) (i32.const 128)))
        (local.set $rest (i32.shr_u (local.get $rest) (i32.const 7)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $write)))
    (call $range (i32.sub (local.get $out) (local.get $head)) (i32.add (local.get $len) (local.get $head)))))
