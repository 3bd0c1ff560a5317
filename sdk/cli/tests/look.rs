//! `modhost list` and `modhost inspect`: what is seen of plugins without running them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    File, LUA,
    See::{Err, Json, JsonHas, NotErr, Out, OutHas},
    check_all,
};

/// Would be seen if it ever ran.
const LOUD: File = ("mods/loud.lua", "print('I RAN')\nfunction main() end\n");
const WOLF: &[File] = &[
    (
        "mods/wolf/plugin.toml",
        "[plugin]\nid = \"acme.wolf\"\nversion = \"1.2.3\"\ndescription = \"Wolves hunt in packs\"\nauthors = [\"A. Author\"]\n\
         license = \"MIT\"\n\n[entry]\nlua = \"main.lua\"\nnative.linux-x86_64 = \"libwolf.so\"\nnative.macos-aarch64 = \"libwolf.dylib\"\n\
         \n[requires]\nworld = \"^1.0\"\n\n[dependencies]\nforest = \"^2\"\nmoon = { version = \"*\", optional = true }\n\n\
         [capabilities]\nrequired = [\"world.spawn\"]\noptional = [\"world.hurt\"]\n\n[limits]\nfuel = 5000\nmemory = \"1GiB\"\n",
    ),
    ("mods/wolf/main.lua", "print('I RAN')\nfunction main() return world.spawn('wild', 'wolf', 1, 2, 3) end\n"),
    ("mods/wolf/libwolf.so", "no library"),
    ("mods/forest/plugin.toml", "[plugin]\nid = \"forest\"\nversion = \"2.1.0\"\n"),
    ("mods/forest/main.rhai", "fn main() { 1 }\n"),
];
const BAD: File = ("mods/bad/plugin.toml", "[plugin]\nid = \"bad\"\nversion = \"1.0.0\"\n[limits]\nfule = 1\n");

/// `files` and one more.
macro_rules! and {
    ($files:expr, $($more:expr),+) => { &[$files[0], $files[1], $files[2], $files[3], $files[4], $($more),+] };
}

#[test]
fn list() {
    check_all(&[
        (
            WOLF,
            &["list", "mods"],
            0,
            &[
                OutHas("acme.wolf  1.2.3  lua, native  "),
                OutHas("\n    Wolves hunt in packs\n"),
                OutHas("\n    requires world ^1.0\n"),
                OutHas("\n    depends on forest ^2, moon (optional)\n"),
                OutHas("\n    asks for world.spawn, world.hurt\n"),
                OutHas("forest     2.1.0  rhai         "),
                OutHas("\n2 plugins. "),
                Err(""),
                NotErr("I RAN"),
            ],
        ),
        (
            WOLF,
            &["list", "mods", "--json"],
            0,
            &[
                Json("plugins.0.plugin", r#""acme.wolf""#),
                Json("plugins.0.version", r#""1.2.3""#),
                Json("plugins.0.path", r#""mods/wolf""#),
                Json("plugins.0.backends", r#"["lua","native"]"#),
                Json("plugins.0.requires", r#"[{"name":"world","version":"^1.0"}]"#),
                Json("plugins.0.depends.0", r#"{"name":"forest","version":"^2","optional":false,"order":true}"#),
                Json("plugins.0.depends.1.optional", "true"),
                Json("plugins.0.capabilities.0", r#"{"name":"world.spawn","required":true,"granted":false}"#),
                Json("plugins.0.problems", "[]"),
                Json("plugins.1.bytes", "57"),
                Json("unreadable", "[]"),
                NotErr("I RAN"),
            ],
        ),
        // What lies beside it cannot be read; the list is what was asked for.
        (
            and!(WOLF, BAD, LOUD),
            &["list", "mods"],
            0,
            &[
                OutHas("unreadable"),
                OutHas("! manifest.unknown-key: plugin.toml:5:1: "),
                OutHas("\n4 plugins, 1 with problems. "),
                NotErr("I RAN"),
            ],
        ),
        (
            and!(WOLF, BAD),
            &["list", "mods", "--json"],
            0,
            &[
                Json("unreadable.0.code", r#""manifest.unknown-key""#),
                Json("unreadable.0.plugin", r#""bad""#),
                Json("plugins.2", "null"),
            ],
        ),
        // None can be read: the first one's status.
        (&[BAD], &["list", "mods"], 4, &[OutHas("bad  -  unreadable  -\n"), OutHas("did\n      you mean `fuel`?\n")]),
        (
            &[BAD],
            &["list", "mods", "--json"],
            4,
            &[
                Json("error.code", r#""manifest.unknown-key""#),
                Json("plugins", "[]"),
                Json("unreadable.0.at.line", "5"),
            ],
        ),
        // Problems that only the set shows.
        (
            &WOLF[..3],
            &["list", "mods"],
            0,
            &[
                OutHas("! resolve.missing: plugin.toml:17:1: needs forest ^2, and it is not there"),
                OutHas("1 with problems"),
            ],
        ),
        (
            &[
                ("mods/a/plugin.toml", "[plugin]\nid = \"twin\"\nversion = \"1.0.0\"\n"),
                ("mods/a/main.lua", ""),
                ("mods/b/plugin.toml", "[plugin]\nid = \"twin\"\nversion = \"1.1.0\"\n"),
                ("mods/b/main.lua", ""),
            ],
            &["list", "mods", "--json"],
            0,
            &[
                Json("plugins.0.instead", r#""1.1.0""#),
                Json("plugins.0.problems", "[]"),
                Json("plugins.1.version", r#""1.1.0""#),
                Json("plugins.1.instead", "null"),
                Json("plugins.1.problems", "[]"),
            ],
        ),
        (
            &[
                ("mods/lone.so", "x"),
                ("mods/a/plugin.toml", "[plugin]\nid = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nlone = \"*\"\n"),
                ("mods/a/main.lua", ""),
            ],
            &["list", "mods", "--json"],
            0,
            &[
                Json("plugins.0.problems.0.code", r#""resolve.missing""#),
                JsonHas("plugins.0.problems.0.message", "lone, which would not be loaded"),
                Json("plugins.1.problems.0.code", r#""denied.backend""#),
            ],
        ),
        (
            &[("mods/lone.so", "x")],
            &["list", "mods", "--policy", "development", "--json"],
            0,
            &[Json("plugins.0.problems", "[]")],
        ),
        (&[LUA], &["list", "wolf.lua"], 0, &[OutHas("wolf  0.0.0  lua  "), OutHas("1 plugin. "), NotErr("hello")]),
        (&[LUA], &["list", "mods", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (&[("mods/readme.txt", "")], &["list", "mods"], 4, &[Err("error[package.not-a-plugin]"), Out("")]),
        (&[], &["list", "--json"], 2, &[JsonHas("error.message", "<DIR>")]),
        // What an author writes does not drive the terminal.
        (
            &[
                (
                    "mods/a/plugin.toml",
                    "[plugin]\nid = \"a\"\nversion = \"1.0.0\"\ndescription = \"red \\u001b[31m\\u202e\"\n",
                ),
                ("mods/a/main.lua", ""),
            ],
            &["list", "mods"],
            0,
            &[OutHas("red \\u{1b}[31m\\u{202e}\n")],
        ),
    ]);
}

#[test]
fn inspect() {
    check_all(&[
        (
            WOLF,
            &["inspect", "mods/wolf"],
            0,
            &[
                OutHas("acme.wolf 1.2.3\n"),
                OutHas("  license       MIT\n"),
                OutHas("  files         3 files, "),
                OutHas("libwolf.so (10 B)\n"),
                OutHas("Under the policy `mods` it is untrusted (unsigned):\n"),
                OutHas("  lua           main.lua: taken\n"),
                OutHas("  native        libwolf.so: refused: "),
                OutHas("isolation: needs sandbox, has"),
                OutHas("  not granted   world.spawn, world.hurt (optional); "),
                OutHas("fuel 5_000 a call, memory 64 MiB, deadline 1s a call"),
                OutHas("By itself it would not be loaded:\n  ! resolve.missing: plugin.toml:17:1: needs forest ^2"),
                OutHas("`modhost list mods` looks at it together with"),
                NotErr("I RAN"),
            ],
        ),
        (
            WOLF,
            &["inspect", "mods/wolf", "--json"],
            0,
            &[
                Json("plugin", r#""acme.wolf""#),
                Json("manifest.license", r#""MIT""#),
                Json("artefacts.0.verdict", r#""taken""#),
                Json("artefacts.1.verdict", r#""refused""#),
                JsonHas("artefacts.1.reasons.0", "isolation"),
                Json("files.1.path", "\"main.lua\""),
                Json("files.1.bytes", "79"),
                Json("limits.fuel", "5000"),
                Json("limits.deadline_us", "null"),
                Json("policy", r#""mods""#),
                Json("admitted", "null"),
                Json("problems.0.code", r#""resolve.missing""#),
                Json("exports", "null"),
            ],
        ),
        (
            WOLF,
            &["inspect", "mods/forest", "--json"],
            0,
            &[
                Json("admitted.backend", r#""rhai""#),
                Json("admitted.trust", r#""untrusted""#),
                Json("admitted.limits.fuel", "10000000"),
                Json("admitted.limits.deadline_us", "1000000"),
            ],
        ),
        // The options are those of `run`.
        (
            WOLF,
            &["inspect", "mods/forest", "--fuel", "7", "--deadline", "3ms", "--json"],
            0,
            &[Json("admitted.limits.fuel", "7"), Json("admitted.limits.deadline_us", "3000")],
        ),
        (
            &[LUA],
            &["inspect", "wolf.lua", "--grant", "world.spawn"],
            0,
            &[OutHas("  granted       world.spawn\n"), OutHas("Nothing keeps it from being loaded."), NotErr("hello")],
        ),
        (
            &[("turbo.so", "x")],
            &["inspect", "turbo.so"],
            0,
            &[OutHas("By itself it would not be loaded:\n  ! denied.backend: ")],
        ),
        (
            &[("turbo.so", "x")],
            &["inspect", "turbo.so", "--policy", "development"],
            0,
            &[OutHas("turbo.so: taken"), OutHas("\n  warning       native code runs in the host's process")],
        ),
        (
            &[LUA],
            &["inspect", "wolf.lua", "--policy", "strict"],
            0,
            &[OutHas("Under the policy `strict` it is not trusted enough:\n"), OutHas("  ! denied.trust: ")],
        ),
        // Only --load runs it.
        (
            &[LUA],
            &["inspect", "wolf.lua", "--load"],
            0,
            &[Err("hello\n"), OutHas("It was loaded, and has 3 exports:\n"), OutHas("\n  add")],
        ),
        (
            &[("sum.wat", "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0))\n")],
            &["inspect", "sum.wat", "--load", "--json"],
            0,
            &[
                Json("exports", r#"[{"name":"add","signature":"(a: int, b: int) -> int","arity":2}]"#),
                Json("artefacts.0.text", "true"),
            ],
        ),
        (
            &[("fox.rhai", "fn main() {\n  let x = ;\n}\n")],
            &["inspect", "fox.rhai", "--load"],
            1,
            &[Err("error[script.compile]"), Err("2 |   let x = ;\n"), OutHas("fox 0.0.0\n")],
        ),
        (
            &[("fox.rhai", "fn main() {\n  let x = ;\n}\n")],
            &["inspect", "fox.rhai", "--load", "--json"],
            1,
            &[Json("error.code", r#""script.compile""#), Json("plugin", r#""fox""#), Json("exports", "null")],
        ),
        (
            &[("spin.lua", "while true do end")],
            &["inspect", "spin.lua", "--load", "--fuel", "1000", "--json"],
            3,
            &[Json("error.code", r#""limit.fuel""#)],
        ),
        (WOLF, &["inspect", "mods/wolf", "--load", "--json"], 5, &[Json("error.code", r#""resolve.missing""#)]),
        (
            &[BAD],
            &["inspect", "mods/bad"],
            4,
            &[Err(" --> mods/bad/plugin.toml:5:1\n"), Err("5 | fule = 1\n"), Out("")],
        ),
        // A folder of plugins is no plugin.
        (
            WOLF,
            &["inspect", "mods", "--json"],
            4,
            &[
                Json("error.code", r#""package.not-a-plugin""#),
                JsonHas("error.help", "mods/wolf, mods/forest; `modhost list mods`"),
            ],
        ),
        (&[], &["inspect", "no-such", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
    ]);
}
