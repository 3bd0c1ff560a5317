;; ok
;; class 1 catching limits
;; a refusal is -1, as the standard has it: nothing grew, and the guest may go on
(module (memory 1) (func (export "attack") (result i32) (memory.grow (i32.const 60000))))
