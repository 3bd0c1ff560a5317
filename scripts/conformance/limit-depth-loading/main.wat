(module (func $run (param i64) (result i64) (i64.add (i64.const 1) (call $run (local.get 0)))) (func $start (drop (call $run (i64.const 1)))) (start $start))
