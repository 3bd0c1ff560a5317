(module (func (export "fall") (loop $l (br $l))))
