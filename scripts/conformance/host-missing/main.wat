(module (import "host" "nothing" (func $f)) (func (export "run") (call $f)))
