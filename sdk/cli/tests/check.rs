//! `modhost check`: what it finds, where, and with which status; and `--policy FILE`, which every verb with a host takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    File, LUA,
    See::{Err, Json, JsonHas, NotErr, Out, OutHas},
    check_all,
};

const GOOD: &[File] = &[
    (
        "mods/wolf/plugin.toml",
        "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[requires]\nworld = \"^1.0\"\n\n[capabilities]\n\
         required = [\"world.spawn\"]\n\n[events]\nlisten = [\"dusk\"]\n",
    ),
    (
        "mods/wolf/main.lua",
        "function on_load() end\nfunction on_dusk(n) return world.spawn('wild', 'wolf', n, 1, 1) end\n",
    ),
];

/// A plugin in Lua with this manifest behind `[plugin]`, and this source.
macro_rules! wolf {
    ($manifest:literal, $source:literal) => {
        &[
            ("wolf/plugin.toml", concat!("[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n", $manifest)),
            ("wolf/main.lua", $source),
        ]
    };
}

#[test]
fn good_and_bad() {
    check_all(&[
        (
            GOOD,
            &["check", "mods/wolf"],
            0,
            &[Out("wolf 1.0.0  lua: good\n\n1 plugin checked: 1 good\n"), NotErr("warning")],
        ),
        (
            GOOD,
            &["check", "mods", "--json"],
            0,
            &[
                Json("plugins", r#"[{"plugin":"wolf","version":"1.0.0","backend":"lua","trust":"untrusted"}]"#),
                Json("refused", "[]"),
                Json("warnings", "[]"),
            ],
        ),
        // It is loaded, and nothing but `on_load` is called.
        (
            &[(
                "a.lua",
                "print('chunk')\nfunction on_load() print('on_load') end\nfunction main() print('main') end\nfunction on_enable() print('enable') end\n",
            )],
            &["check", "a.lua"],
            0,
            &[Err("chunk\non_load\n"), NotErr("main"), NotErr("enable")],
        ),
        (
            &[GOOD[0], GOOD[1], ("mods/fox.rhai", "fn main() {\n  let x = ;\n}\n"), ("mods/turbo.so", "x")],
            &["check", "mods"],
            1,
            &[
                OutHas("wolf 1.0.0   lua: good\n"),
                OutHas("fox 0.0.0    script.compile at fox.rhai:2:11\n"),
                OutHas("turbo 0.0.0  denied.backend\n"),
                OutHas("3 plugins checked: 1 good, 2 bad\n"),
                Err("error[script.compile]: fox: "),
                Err("2 |   let x = ;\n"),
                Err("error[denied.backend]: turbo: "),
            ],
        ),
        (
            &[GOOD[0], GOOD[1], ("mods/fox.rhai", "fn main() {\n  let x = ;\n}\n")],
            &["check", "mods", "--json"],
            1,
            &[
                Json("error.code", r#""script.compile""#),
                Json("plugins.0.plugin", r#""wolf""#),
                Json("refused.0.error.at.line", "2"),
            ],
        ),
        (
            &[("a.lua", "function on_load() error('no') end")],
            &["check", "a.lua", "--json"],
            1,
            &[Json("error.stage", r#""load""#)],
        ),
        (
            &[("a.lua", "while true do end")],
            &["check", "a.lua", "--fuel", "1000", "--json"],
            3,
            &[Json("error.code", r#""limit.fuel""#)],
        ),
        (
            wolf!("[limits]\nfule = 1\n", ""),
            &["check", "wolf"],
            4,
            &[Err("5 | fule = 1\n"), Err(" --> wolf/plugin.toml:5:1\n")],
        ),
        (
            wolf!("[dependencies]\nforest = \"*\"\n", ""),
            &["check", "wolf", "--json"],
            5,
            &[Json("error.code", r#""resolve.missing""#)],
        ),
        (
            wolf!("[dependencies]\nforest = \"*\"\n", ""),
            &["check", "wolf"],
            5,
            &[Err("5 | forest = \"*\"\n"), Err("note: `modhost check .` looks at it together with")],
        ),
        // Several paths are one set.
        (
            &[
                ("wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n[dependencies]\nforest = \"*\"\n"),
                ("wolf/main.lua", ""),
                ("forest.lua", ""),
            ],
            &["check", "forest.lua", "wolf"],
            0,
            &[OutHas("2 plugins checked: 2 good\n")],
        ),
        (&[], &["check", "no-such", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (&[], &["check", "--json"], 2, &[JsonHas("error.message", "<PATH>")]),
    ]);
}

#[test]
fn warnings() {
    check_all(&[
        (
            wolf!("[dependencies]\nforest = { version = \"1.2.3\", optional = true }\n", ""),
            &["check", "wolf"],
            0,
            &[
                Err("warning: wolf: `1.2.3` means ^1.2.3"),
                Err(" --> wolf/plugin.toml:5:22\n"),
                Err("\"=1.2.3\" for this release only"),
                OutHas("wolf 1.0.0  lua: good, with 1 warning\n"),
                OutHas("1 plugin checked: 1 good, 1 warning\n"),
            ],
        ),
        (
            wolf!("[dependencies]\nforest = { version = \"1.2.3\", optional = true }\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[
                Json("warnings.0.plugin", r#""wolf""#),
                Json("warnings.0.at", r#"{"file":"plugin.toml","line":5,"column":22}"#),
                JsonHas("warnings.0.message", "means ^1.2.3"),
                Json("warnings.1", "null"),
            ],
        ),
        (
            wolf!("[dependencies]\nforest = { version = \"1.2\", optional = true }\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[Json("warnings", "[]")],
        ),
        (
            wolf!("[state]\nx = 1\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[JsonHas("warnings.0.message", "[state] is reserved"), Json("warnings.0.at.line", "4")],
        ),
        (
            wolf!("[entry]\nlua = \"main.lua\"\nnative.plan9-mips = \"w.so\"\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[
                JsonHas("warnings.0.message", "there is no native build for"),
                JsonHas("warnings.0.message", "plan9-mips"),
            ],
        ),
        (
            wolf!("[requires]\nworld = \"^1\"\n[capabilities]\noptional = [\"world.spwan\"]\n", "world.time()"),
            &["check", "wolf", "--json"],
            1,
            &[
                JsonHas("warnings.0.message", "no function of this host needs the capability `world.spwan`"),
                JsonHas("warnings.0.help", "world.spawn"),
                Json("warnings.0.at.line", "7"),
            ],
        ),
        (
            wolf!(
                "[requires]\nworld = \"^1\"\n[capabilities]\nrequired = [\"world.spawn\"]\n",
                "function main() world.time() end"
            ),
            &["check", "wolf", "--json"],
            0,
            &[
                JsonHas("warnings.0.message", "nothing in the plugin mentions world.spawn"),
                JsonHas("warnings.0.help", "Take it out"),
            ],
        ),
        (
            wolf!("[capabilities]\nrequired = [\"world.spawn\"]\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[JsonHas("warnings.0.help", "[requires]: world = \"^1.0\"")],
        ),
        (
            wolf!("[requires]\ndice = \"^1\"\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[JsonHas("warnings.0.message", "the contract `dice` is required, and nothing in the plugin mentions it")],
        ),
        (
            wolf!("", "function main()\n  return dice.roll(6)\nend"),
            &["check", "wolf"],
            0,
            &[
                Err("`dice.roll` is used, and the contract `dice` is not required"),
                Err(" --> wolf/main.lua:2:10\n"),
                Err("2 |   return dice.roll(6)\n"),
                Err("under [requires]: dice = \"^1.0\""),
            ],
        ),
        // In a comment, or as a part of another name, it is not used.
        (
            wolf!("", "-- dice.roll(6)\nlocal my = { dice = { roll = function() end } }\nmy.dice.roll()"),
            &["check", "wolf", "--json"],
            0,
            &[Json("warnings", "[]")],
        ),
        (
            wolf!("[events]\nlisten = [\"dusk\"]\n", "function on_dsuk() end"),
            &["check", "wolf", "--json"],
            0,
            &[
                JsonHas("warnings.0.message", "exports no `on_dusk`"),
                JsonHas("warnings.0.help", "on_dsuk"),
                Json("warnings.1", "null"),
            ],
        ),
        (
            &[
                ("wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n[entry]\nlua = \"wolf.lua\"\n"),
                ("wolf/wolf.lua", ""),
                ("wolf/main.rhai", ""),
            ],
            &["check", "wolf", "--json"],
            0,
            &[
                JsonHas("warnings.0.message", "`main.rhai` is not named"),
                JsonHas("warnings.0.help", "rhai = \"main.rhai\""),
            ],
        ),
        (
            wolf!("[limits]\nfuel = 99_000_000_000\n", ""),
            &["check", "wolf", "--json"],
            0,
            &[JsonHas("warnings.0.message", "asks for fuel 99000000000"), Json("warnings.0.at.line", "5")],
        ),
        (
            wolf!(
                "[events]\nlisten = [\"dusk\"]\n",
                "function on_dusk() end\nfunction on_dawn() end\nfunction on_tick() end"
            ),
            &["check", "wolf", "--json"],
            0,
            &[JsonHas("warnings.0.message", "does not listen to `dawn`"), Json("warnings.1", "null")],
        ),
        // That its native build is not for strangers is nothing to mend.
        (
            &[
                (
                    "wolf/plugin.toml",
                    "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n[entry]\nlua = \"main.lua\"\nnative = \"w.so\"\n",
                ),
                ("wolf/main.lua", ""),
                ("wolf/w.so", "x"),
            ],
            &["check", "wolf", "--json"],
            0,
            &[Json("warnings", "[]")],
        ),
        // A plugin that does not load is looked at all the same.
        (
            wolf!("[state]\n", "function main("),
            &["check", "wolf", "--json"],
            1,
            &[JsonHas("warnings.0.message", "[state]"), Json("error.code", r#""script.compile""#)],
        ),
    ]);
}

#[test]
fn policy_files() {
    const SPIN: File = ("spin.lua", "function main() while true do end end\n");
    check_all(&[
        (
            &[SPIN, ("arena.toml", "base = \"mods\"\n[untrusted]\nfuel = 1234\n")],
            &["run", "spin.lua", "--policy", "arena.toml", "--json"],
            3,
            &[Json("error.code", r#""limit.fuel""#), JsonHas("error.message", "1234")],
        ),
        // What is typed wins over the file.
        (
            &[SPIN, ("arena.toml", "[untrusted]\nfuel = 1234\n")],
            &["run", "spin.lua", "--policy", "arena.toml", "--fuel", "99", "--json"],
            3,
            &[JsonHas("error.message", "99")],
        ),
        (
            &[LUA, ("arena.toml", "[untrusted]\nfule = 7\n")],
            &["run", "wolf.lua", "--policy", "arena.toml"],
            4,
            &[Err("error[policy."), Err(" --> arena.toml:2:1\n"), Err("2 | fule = 7\n"), Err("fuel")],
        ),
        (
            &[LUA, ("p/arena.toml", "[untrusted\n")],
            &["check", "wolf.lua", "--policy", "p/arena.toml"],
            4,
            &[Err("error[policy."), Err(" --> p/arena.toml:"), Err("1 | [untrusted\n"), Out("")],
        ),
        (
            &[LUA, ("arena", "[untrusted]\nfuel = 77\n")],
            &["inspect", "wolf.lua", "--policy", "arena", "--json"],
            0,
            &[Json("admitted.limits.fuel", "77")],
        ),
        (
            &[LUA, ("arena.toml", "[untrusted]\nfule = 7\n")],
            &["list", ".", "--policy", "arena.toml"],
            4,
            &[Err("2 | fule = 7\n")],
        ),
        (
            &[LUA],
            &["run", "wolf.lua", "--policy", "arena.toml", "--json"],
            2,
            &[Json("error.code", r#""io.not-found""#), JsonHas("error.message", "arena.toml")],
        ),
        // A preset is meant even where a folder has its name.
        (
            &[("mods/wolf.lua", "function main() return 7 end")],
            &["run", "mods/wolf.lua", "--policy", "mods"],
            0,
            &[Out("7\n")],
        ),
        (
            &[("etc/wolf.lua", "")],
            &["run", "etc/wolf.lua", "--policy", "etc", "--json"],
            2,
            &[JsonHas("error.message", "folder")],
        ),
    ]);
}
