;; script.missing-export
;; class 6 hostile values
;; such a function is not offered
(module (func (export "attack") (result funcref) (ref.null func)))
