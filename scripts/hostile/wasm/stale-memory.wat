;; wasm.trap
;; class 8 shared state
;; it looks for what others left in the memory it gets
(module (memory 160) (func (export "attack") (local i32) (loop (if (i64.ne (i64.load (local.get 0)) (i64.const 0)) (then (return))) (local.set 0 (i32.add (local.get 0) (i32.const 4096))) (br_if 0 (i32.lt_u (local.get 0) (i32.const 10485760)))) unreachable))
