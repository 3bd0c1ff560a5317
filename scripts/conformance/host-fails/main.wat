(module (import "host" "fail" (func $f)) (func (export "run") (call $f)))
