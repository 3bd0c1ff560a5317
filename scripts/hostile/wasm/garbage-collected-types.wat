;; wasm.invalid
;; class 4 loading
(module (type $s (struct (field i64))) (func (export "attack") (drop (struct.new $s (i64.const 1)))))
