;; wasm.trap
;; class 6 hostile values
(module (table 1 funcref) (type $t (func)) (func (export "attack") (call_indirect (type $t) (i32.const 0))))
