;; wasm.trap
;; class 4 loading
(module (table 1 funcref) (func $f (export "attack")) (elem (i32.const 1) $f))
