;; script.missing-import
;; class 8 shared state
(module (import "host.add" "" (func (param i64 i64) (result i64))) (func (export "attack")))
