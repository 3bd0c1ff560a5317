;; script.missing-import
;; class 4 loading
(module (import "host" "add" (global i32)) (func (export "attack")))
