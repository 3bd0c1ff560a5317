//! `modhost run`, row by row: files, words, status, and what is to be seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    File, LUA, RHAI,
    See::{Err, Json, JsonHas, NotErr, Out, OutHas},
    check_all,
};

const WAT: File = (
    "sum.wat",
    "(module\n (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)\n (func (export \"half\") (param f64) (result f64) local.get 0 f64.const 2 f64.div)\n (func (export \"a:b\") (result i64) i64.const 5))\n",
);
const SPIN: File = ("spin.lua", "function main() while true do end end\n");
const SO: File = ("turbo.so", "this is not a library\n");

#[test]
fn one_plugin() {
    check_all(&[
        (&[LUA], &["run", "wolf.lua"], 0, &[Out("awoo\n"), Err("hello\n")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--json"],
            0,
            &[
                OutHas(
                    r#"{"ok":true,"plugin":"wolf","version":"0.0.0","backend":"lua","trust":"untrusted","vouched":"unsigned","value":"awoo","usage":{"fuel":"#,
                ),
                Err("hello\n"),
            ],
        ),
        (&[LUA], &["--json", "run", "wolf.lua", "--call", "add", "--args", "[20,22]"], 0, &[Json("value", "42")]),
        (&[LUA], &["run", "wolf.lua", "--call", "add", "--args", "[0.5, 0.5]"], 0, &[Out("1\n")]),
        (&[LUA], &["run", "wolf.lua", "--call", "wolf:add", "--args", "[1, 2]"], 0, &[Out("3\n")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--call", "fox:add", "--json"],
            2,
            &[Json("error.code", r#""plugin.not-found""#)],
        ),
        (&[LUA], &["run", "wolf.lua", "--call", "echo", "--args", "[null]"], 0, &[Out("")]),
        (&[RHAI], &["run", "fox.rhai"], 0, &[Out("7\n")]),
        (&[RHAI], &["run", "fox.rhai", "--json"], 0, &[Json("backend", r#""rhai""#), Json("value", "7")]),
        (&[WAT], &["run", "sum.wat", "--call", "add", "--args", "[20,22]"], 0, &[Out("42\n")]),
        (
            &[WAT],
            &["run", "sum.wat", "--call", "half", "--args", "[3.0]", "--json"],
            0,
            &[Json("value", "1.5"), Json("backend", r#""wasm""#)],
        ),
        (&[WAT], &["run", "sum.wat", "--call", "a:b"], 0, &[Out("5\n")]),
        (
            &[WAT],
            &["run", "sum.wat", "--call", "add", "--args", "[1]", "--json"],
            1,
            &[Json("error.code", r#""script.arity""#)],
        ),
        (
            &[WAT],
            &["run", "sum.wat", "--call", "add", "--args", "[1.0, 2]", "--json"],
            1,
            &[Json("error.code", r#""script.type""#)],
        ),
        // Without `main` it is said what was loaded.
        (
            &[WAT],
            &["run", "sum.wat"],
            0,
            &[OutHas("sum 0.0.0  wasm    untrusted  unsigned -> sandbox"), OutHas("caps: none")],
        ),
        (&[WAT], &["run", "sum.wat", "--json"], 0, &[Json("value", "null"), Json("plugin", r#""sum""#)]),
        (&[WAT], &["run", "sum.wat", "--args", "[1]", "--json"], 2, &[JsonHas("error.message", "--call")]),
        (
            &[
                ("wolf/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.2.3\"\n"),
                ("wolf/main.lua", "return { main = function() return 1.0 end }\n"),
            ],
            &["run", "wolf", "--json"],
            0,
            &[Json("plugin", r#""acme.wolf""#), Json("version", r#""1.2.3""#), Json("value", "1")],
        ),
        // `on_enable` comes before the call, with the world lent.
        (
            &[(
                "a.lua",
                "local n = 0\nfunction on_enable() n = #world.units('wild') + 1 end\nfunction main() return n end\n",
            )],
            &["run", "a.lua"],
            0,
            &[Out("1\n")],
        ),
        (
            &[("a.lua", "function on_enable() error('not today') end\nfunction main() return 1 end\n")],
            &["run", "a.lua", "--json"],
            1,
            &[
                Json("error.code", r#""script.raised""#),
                Json("error.stage", r#""enable""#),
                Json("error.plugin", r#""a""#),
            ],
        ),
    ]);
}

#[test]
fn what_fails_says_where() {
    check_all(&[
        (
            &[("wolf.lua", "local x = 1\nfunction main(\n")],
            &["run", "wolf.lua", "--json"],
            1,
            &[
                Json("error.code", r#""script.compile""#),
                Json("error.stage", r#""load""#),
                Json("error.at.file", r#""wolf.lua""#),
                Json("error.at.column", "null"),
            ],
        ),
        (
            &[("fox.rhai", "fn main() {\n  let x = ;\n}\n")],
            &["run", "fox.rhai", "--json"],
            1,
            &[
                Json("error.code", r#""script.compile""#),
                Json("error.at", r#"{"file":"fox.rhai","line":2,"column":11}"#),
            ],
        ),
        (
            &[("fox.rhai", "fn main() {\n  let x = ;\n}\n")],
            &["run", "fox.rhai"],
            1,
            &[
                Out(""),
                Err("error[script.compile]: "),
                Err(" --> fox.rhai:2:11\n"),
                Err("2 |   let x = ;\n  |           ^"),
                Err("`modhost explain script.compile`"),
            ],
        ),
        (
            &[("sum.wat", "(module\n  (func (exprt)))\n")],
            &["run", "sum.wat", "--json"],
            1,
            &[Json("error.code", r#""script.compile""#), Json("error.at.line", "2")],
        ),
        (&[("sum.wasm", "no module\n")], &["run", "sum.wasm", "--json"], 1, &[Json("error.code", r#""wasm.invalid""#)]),
        (
            &[RHAI],
            &["run", "fox.rhai", "--call", "boom", "--json"],
            1,
            &[
                Json("error.code", r#""script.raised""#),
                Json("error.at.line", "5"),
                JsonHas("error.message", "no hens"),
            ],
        ),
        // Lua knows the line only; what the guest says is escaped; what it printed is kept.
        (
            &[("wolf.lua", "function main()\n\tprint('on my way')\n\terror('red \\27[31m wolf')\nend\n")],
            &["run", "wolf.lua"],
            1,
            &[
                Err("on my way\n"),
                Err("error[script.raised]: red \\u{1b}[31m wolf\n"),
                Err(" --> wolf.lua:3\n"),
                Err("3 |     error('red"),
                Err("in `main`"),
            ],
        ),
        // What is printed before a file fails to load is shown too.
        (
            &[("wolf.lua", "print('half way')\nerror('stop')\n")],
            &["run", "wolf.lua", "--json"],
            1,
            &[Err("half way\n"), Json("error.at.line", "2")],
        ),
        (
            &[LUA],
            &["run", "wolf.lua", "--call", "howl", "--json"],
            1,
            &[Json("error.code", r#""script.missing-export""#), JsonHas("error.message", "main")],
        ),
        (&[], &["run", "no-such.lua", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (
            &[LUA],
            &["run", "wolf.lua", "no-such.lua"],
            2,
            &[Err("error[io.not-found]"), Err("no-such.lua"), NotErr("-->")],
        ),
        (
            &[("readme.txt", "hi")],
            &["run", "readme.txt", "--json"],
            4,
            &[Json("error.code", r#""package.not-a-plugin""#)],
        ),
        (
            &[
                ("wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n[limits]\nfule = 1\n"),
                ("wolf/main.lua", ""),
            ],
            &["run", "wolf"],
            4,
            &[Err("error[manifest.unknown-key]"), Err(" --> wolf/plugin.toml:5:1\n"), Err("5 | fule = 1\n")],
        ),
    ]);
}

#[test]
fn limits_are_the_hosts() {
    check_all(&[
        (
            &[SPIN],
            &["run", "spin.lua", "--fuel", "1000", "--json"],
            3,
            &[Json("error.code", r#""limit.fuel""#), JsonHas("error.message", "1000")],
        ),
        (&[SPIN], &["run", "spin.lua", "--fuel", "0", "--json"], 3, &[Json("error.code", r#""limit.fuel""#)]),
        (
            &[SPIN],
            &["run", "spin.lua", "--fuel", "18446744073709551615", "--deadline", "50ms", "--json"],
            3,
            &[Json("error.code", r#""limit.deadline""#), JsonHas("error.message", "50ms")],
        ),
        (
            &[("spin.rhai", "fn main() { loop {} }")],
            &["run", "spin.rhai", "--fuel", "1000"],
            3,
            &[Err("error[limit.fuel]")],
        ),
        (
            &[("spin.rhai", "fn main() { loop {} }")],
            &["run", "spin.rhai", "--fuel", "1000000000000", "--deadline", "50ms"],
            3,
            &[Err("error[limit.deadline]")],
        ),
        (
            &[("spin.wat", "(module (func (export \"main\") (loop br 0)))")],
            &["run", "spin.wat", "--fuel", "1000", "--json"],
            3,
            &[Json("error.code", r#""limit.fuel""#)],
        ),
        (
            &[("spin.wat", "(module (func (export \"main\") (loop br 0)))")],
            &["run", "spin.wat", "--fuel", "1000000000000", "--deadline", "50ms", "--json"],
            3,
            &[Json("error.code", r#""limit.deadline""#)],
        ),
        (
            &[(
                "hoard.lua",
                "function main() local t = {} while true do t[#t + 1] = string.rep('x', 4096) .. #t end end",
            )],
            &["run", "hoard.lua", "--memory", "2MiB", "--json"],
            3,
            &[Json("error.code", r#""limit.memory""#), JsonHas("error.message", "2097152")],
        ),
        (
            &[("hoard.wat", "(module (memory 64) (func (export \"main\")))")],
            &["run", "hoard.wat", "--memory", "1MiB", "--json"],
            3,
            &[Json("error.code", r#""limit.memory""#)],
        ),
        (
            &[("deep.lua", "function main() return 1 + main() end")],
            &["run", "deep.lua", "--json"],
            3,
            &[Json("error.code", r#""limit.depth""#)],
        ),
        // Up as well as down.
        (
            &[("work.lua", "function main() local n = 0 for i = 1, 12000000 do n = n + 1 end return n end")],
            &["run", "work.lua", "--fuel", "200000000", "--deadline", "60s"],
            0,
            &[Out("12000000\n")],
        ),
        (&[LUA], &["run", "wolf.lua", "--fuel", "many"], 2, &[Err("--fuel"), Err("whole number")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--fuel", "-1", "--json"],
            2,
            &[Json("error.code", r#""usage""#), JsonHas("error.message", "--fuel")],
        ),
        (&[LUA], &["run", "wolf.lua", "--fuel", "18446744073709551616"], 2, &[Err("--fuel")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--memory", "much", "--json"],
            2,
            &[JsonHas("error.message", "--memory"), JsonHas("error.message", "MiB")],
        ),
        (
            &[LUA],
            &["run", "wolf.lua", "--deadline", "50", "--json"],
            2,
            &[JsonHas("error.message", "--deadline"), JsonHas("error.message", "2ms")],
        ),
        (&[LUA], &["run", "wolf.lua", "--deadline", "-1ms"], 2, &[Err("--deadline")]),
    ]);
}

#[test]
fn trust_and_capabilities() {
    const SPAWN: File = ("den.lua", "function main()\n  return world.spawn('wild', 'wolf', 9, 12, 3)\nend\n");
    check_all(&[
        (
            &[SPAWN],
            &["run", "den.lua", "--json"],
            4,
            &[
                Json("error.code", r#""denied.capability""#),
                Json("error.at.line", "2"),
                JsonHas("error.help", "[capabilities]"),
            ],
        ),
        (&[SPAWN], &["run", "den.lua", "--grant", "world.spawn"], 0, &[Out("1\n"), NotErr("WARN")]),
        (&[SPAWN], &["run", "den.lua", "--grant", "world.hurt", "--grant", "world.spawn"], 0, &[Out("1\n")]),
        (&[SPAWN], &["run", "den.lua", "--policy", "development"], 0, &[Out("1\n"), Err("development mode")]),
        (&[LUA], &["run", "wolf.lua", "--grant", "world.spwan"], 0, &[Out("awoo\n"), Err("--grant world.spwan")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--grant", "World Spawn", "--json"],
            2,
            &[Json("error.code", r#""usage""#), JsonHas("error.message", "--grant")],
        ),
        (
            &[SO],
            &["run", "turbo.so", "--json"],
            4,
            &[Json("error.code", r#""denied.backend""#), Json("error.stage", r#""admit""#)],
        ),
        (
            &[SO],
            &["run", "turbo.so", "--policy", "development", "--json"],
            1,
            &[Json("error.code", r#""native.corrupt""#), Err("without any protection")],
        ),
        (&[LUA], &["run", "wolf.lua", "--trust", "untrusted", "--json"], 0, &[Json("trust", r#""untrusted""#)]),
        (
            &[LUA],
            &["run", "wolf.lua", "--trust", "verified", "--json"],
            4,
            &[Json("error.code", r#""denied.trust""#), JsonHas("error.message", "lower")],
        ),
        (
            &[LUA],
            &["run", "wolf.lua", "--trust", "trusted", "--policy", "development", "--json"],
            0,
            &[Json("trust", r#""trusted""#)],
        ),
        (&[LUA], &["run", "wolf.lua", "--trust", "total", "--json"], 2, &[JsonHas("error.message", "--trust")]),
        (&[LUA], &["run", "wolf.lua", "--policy", "mods"], 0, &[Out("awoo\n")]),
        (
            &[LUA],
            &["run", "wolf.lua", "--policy", "casino", "--json"],
            4,
            &[Json("error.code", r#""policy.unknown""#), JsonHas("error.help", "mods, development")],
        ),
        (
            &[LUA],
            &["run", "wolf.lua", "--store", "keys.toml", "--json"],
            2,
            &[Json("error.code", r#""io.not-found""#), JsonHas("error.message", "keys.toml")],
        ),
    ]);
}
