;; limit.fuel
;; class 4 loading
;; limits fuel=100000
(module (func $s (loop $l (br $l))) (start $s))
