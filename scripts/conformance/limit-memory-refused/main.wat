(module (memory 1)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "insist") (loop $l (drop (memory.grow (i32.const 1000))) (br $l))))
