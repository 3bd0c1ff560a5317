(module (import "host" "half" (func $half (param f64) (result f64))) (func (export "half_of_three") (result f64) (call $half (f64.const 3))))
