(module (memory 1)
  ;; A module that insists: it traps where memory is refused.
  (func (export "run") (loop $l (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable)) (br $l))))
