;; script.missing-import
;; class 8 shared state
;; no plugin is offered to another
(module (import "healthy" "add" (func $f (param i32 i32) (result i32))) (func (export "attack") (result i32) (call $f (i32.const 1) (i32.const 2))))
