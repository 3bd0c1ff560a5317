//! `modhost run` of several plugins: which is called, what is refused, which status it ends with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    File,
    See::{Err, Json, JsonHas, NotErr, Out, OutHas},
    check_all,
};

#[test]
fn several_plugins() {
    const BASE: &[File] = &[
        ("mods/base.lua", "function main() return 'base' end\nfunction on_dusk(n) return n * 2 end\n"),
        ("mods/wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[dependencies]\nzoo = \"*\"\n"),
        ("mods/wolf/main.lua", "function main() return 'wolf' end\n"),
        ("mods/zoo/plugin.toml", "[plugin]\nid = \"zoo\"\nversion = \"2.0.0\"\n"),
        ("mods/zoo/main.rhai", "fn main() { 1 }\n"),
        ("mods/bad.rhai", "fn main( {\n"),
        ("mods/turbo.so", "no library"),
    ];
    const ONLY_BAD: &[File] = &[("mods/turbo.so", "no library"), ("mods/zzz.lua", "(")];
    const SHY: &[File] = &[
        ("mods/shy.lua", "function on_enable()\n  error('stage fright')\nend\nfunction main() end\n"),
        ("mods/bold.lua", "print('hi')\nfunction main() return 1 end\n"),
    ];
    const TWO: &[File] = &[
        ("own/wolf.lua", "function main() return 'own' end\n"),
        ("workshop/wolf.lua", "function main() return 'workshop' end\n"),
        ("workshop/moon.lua", "function main() return 'moon' end\n"),
    ];
    check_all(&[
        (
            TWO,
            &["run", "own", "workshop"],
            0,
            &[OutHas(
                "shadowed wolf 0.0.0  workshop/wolf.lua: the same version lies at own/wolf.lua, which comes first",
            )],
        ),
        (
            TWO,
            &["run", "own", "workshop", "--call", "wolf:main"],
            0,
            &[
                Out("own\n"),
                Err("note: shadowed: wolf 0.0.0  workshop/wolf.lua: the same version lies at own/wolf.lua"),
            ],
        ),
        (
            TWO,
            &["run", "workshop", "own", "--call", "wolf:main", "--json"],
            0,
            &[
                Json("value", r#""workshop""#),
                Json(
                    "shadowed.0",
                    r#"{"plugin":"wolf","version":"0.0.0","path":"own/wolf.lua","by":"workshop/wolf.lua"}"#,
                ),
            ],
        ),
        (
            BASE,
            &["run", "mods"],
            0,
            &[
                OutHas("zoo  2.0.0  rhai"),
                OutHas("wolf 1.0.0  lua"),
                OutHas("refused bad 0.0.0  script.compile: bad.rhai:1"),
                OutHas("(modhost explain denied.backend)"),
            ],
        ),
        (
            BASE,
            &["run", "mods", "--json"],
            0,
            &[
                Json("plugins.0.plugin", r#""base""#),
                Json("plugins.1.plugin", r#""zoo""#),
                Json(
                    "plugins.2",
                    r#"{"plugin":"wolf","version":"1.0.0","backend":"lua","trust":"untrusted","vouched":"unsigned","capabilities":[],"notes":[]}"#,
                ),
                Json("plugins.3", "null"),
                Json("refused.0.error.code", r#""script.compile""#),
                Json("refused.1.plugin", r#""turbo""#),
                Json("value", "null"),
                OutHas(r#"{"ok":true,"plugins":[{"plugin":"#),
            ],
        ),
        (
            BASE,
            &["run", "mods", "--call", "base:on_dusk", "--args", "[3]", "--json"],
            0,
            &[Json("value", "6"), Json("plugins.0.plugin", r#""base""#)],
        ),
        (
            BASE,
            &["run", "mods", "--call", "base:on_dusk", "--args", "[3]"],
            0,
            &[Out("6\n"), Err("warning[denied.backend]: turbo was refused"), Err(" --> mods/bad.rhai:1")],
        ),
        (
            BASE,
            &["run", "mods", "--call", "main", "--json"],
            2,
            &[Json("error.code", r#""usage""#), JsonHas("error.help", "base, zoo, wolf")],
        ),
        (
            BASE,
            &["run", "mods", "--call", "fox:main", "--json"],
            2,
            &[Json("error.code", r#""plugin.not-found""#), Json("plugins.0.plugin", r#""base""#)],
        ),
        (
            BASE,
            &["run", "mods", "--call", "turbo:main", "--json"],
            4,
            &[Json("error.code", r#""denied.backend""#), Json("error.plugin", r#""turbo""#)],
        ),
        (BASE, &["run", "mods", "--call", "bad:main"], 1, &[Err("error[script.compile]"), Out("")]),
        (
            BASE,
            &["run", "mods", "--call", "base:howl", "--json"],
            1,
            &[Json("error.code", r#""script.missing-export""#), Json("error.plugin", r#""base""#)],
        ),
        (BASE, &["run", "mods", "--args", "[1]", "--json"], 2, &[JsonHas("error.message", "--call ID:FN")]),
        // Several paths are one run; a plugin named later may need one named before.
        (BASE, &["run", "mods/zoo", "mods/wolf", "mods/base.lua", "--call", "wolf:main"], 0, &[Out("wolf\n")]),
        (
            BASE,
            &["run", "mods/wolf", "mods/base.lua", "--json"],
            0,
            &[Json("refused.0.error.code", r#""resolve.missing""#), Json("plugins.0.plugin", r#""base""#)],
        ),
        (BASE, &["run", "mods/wolf", "--json"], 5, &[Json("error.code", r#""resolve.missing""#)]),
        // Nothing loaded: the first refusal's status.
        (
            ONLY_BAD,
            &["run", "mods", "--json"],
            4,
            &[
                Json("error.code", r#""denied.backend""#),
                Json("plugins", "[]"),
                Json("refused.1.error.code", r#""script.compile""#),
            ],
        ),
        (ONLY_BAD, &["run", "mods", "--call", "zzz:main", "--json"], 1, &[Json("error.code", r#""script.compile""#)]),
        // Wrong words are found before anything is enabled.
        (SHY, &["run", "mods", "--call", "main"], 2, &[Err("error[usage]"), NotErr("stage fright")]),
        (&[("mods/readme.txt", "")], &["run", "mods", "--json"], 4, &[Json("error.code", r#""package.not-a-plugin""#)]),
        // A plugin that cannot be enabled does not keep the others from running, and is not called itself.
        (
            SHY,
            &["run", "mods", "--json"],
            0,
            &[Json("failed.0.plugin", r#""shy""#), Json("failed.0.stage", r#""enable""#)],
        ),
        (
            SHY,
            &["run", "mods", "--call", "bold:main"],
            0,
            &[Out("1\n"), Err("bold: hi\n"), Err("warning[script.raised]: shy: "), Err(" --> mods/shy.lua:2\n")],
        ),
        (SHY, &["run", "mods", "--call", "shy:main", "--json"], 1, &[Json("error.stage", r#""enable""#)]),
        (&[SHY[0]], &["run", "mods", "--json"], 1, &[Json("error.stage", r#""enable""#)]),
        // A folder that holds one plugin still answers in the form for several, but needs no ID.
        (
            &[SHY[1]],
            &["run", "mods", "--call", "main", "--json"],
            0,
            &[Json("value", "1"), Json("plugins.0.plugin", r#""bold""#)],
        ),
    ]);
}
