;; script.missing-import
;; class 8 shared state
(module (import "modhost" "meter" (func $f)) (func (export "attack") (call $f)))
