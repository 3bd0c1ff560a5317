;; script.missing-export
;; class 9 text for people
;; an error lists what there is
(module (func (export "\1b[31mred"))(func (export "\e2\80\aeevil"))(func (export "line\0abreak"))(func (export "\00"))(func (export ""))(func (export "Attack"))(func (export "attac\6b\cc\81")))
