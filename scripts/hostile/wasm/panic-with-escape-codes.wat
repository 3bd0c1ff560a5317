;; script.raised
;; class 9 text for people
(module (import "modhost" "panic" (func $p (param i32 i32))) (memory (export "memory") 200) (data (i32.const 0) "\1b[2J\1b]0;owned\07\0d\0agame: all is well\e2\80\aeevil") (func (export "attack") (call $p (i32.const 0) (i32.const 60))))
