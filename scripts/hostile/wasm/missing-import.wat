;; script.missing-import
;; class 8 shared state
(module (import "env" "system" (func $f)) (func (export "attack") (call $f)))
