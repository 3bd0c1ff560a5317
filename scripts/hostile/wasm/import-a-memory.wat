;; script.missing-import
;; class 4 loading
(module (import "host" "echo" (memory 1)) (func (export "attack")))
