;; script.type
;; class 6 hostile values
(module (func (export "attack") (result i32 i64) (i32.const 1) (i64.const 2)))
