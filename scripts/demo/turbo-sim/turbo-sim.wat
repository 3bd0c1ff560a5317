;; The wasm build of turbo-sim: the same arithmetic, in the same order, as native/src/lib.rs.
(module
  ;; advance(x: float, target: float, dt: float) -> float: one step from x towards target; never beyond arm's length of it.
  (func (export "advance") (param $x f64) (param $target f64) (param $dt f64) (result f64)
    (local $gap f64) (local $step f64)
    (local.set $gap (f64.sub (local.get $target) (local.get $x)))
    (local.set $step (f64.mul (local.get $dt)
      (f64.add (f64.const 1.0) (f64.mul (f64.const 0.25) (f64.sqrt (f64.abs (local.get $gap)))))))
    (local.set $step (f64.min (local.get $step)
      (f64.max (f64.const 0.0) (f64.sub (f64.abs (local.get $gap)) (f64.const 1.0)))))
    (f64.add (local.get $x) (f64.copysign (local.get $step) (local.get $gap)))))
