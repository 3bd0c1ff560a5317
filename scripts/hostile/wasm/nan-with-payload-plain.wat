;; ok
;; class 6 hostile values
(module (import "host" "echo" (func $e (param f64) (result f64))) (func (export "attack") (result f64) (call $e (f64.reinterpret_i64 (i64.const -1)))))
