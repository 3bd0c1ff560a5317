;; script.compile
;; class 4 loading
(module (func (export "ÿþ")))
