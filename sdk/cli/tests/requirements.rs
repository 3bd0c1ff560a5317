//! What a plugin can say that it needs, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{
    File,
    See::{Err, Json, JsonHas, NotErr, OutHas},
    check_all,
};

/// Each kind of requirement, as `resolve` orders it, `why` tells it and `check` reads it.
#[test]
fn requirements_of_every_kind() {
    const fn lua(path: &'static str) -> File {
        (path, "")
    }
    let files: &[File] = &[
        ("mods/lib/plugin.toml", "[plugin]\nid = \"lib\"\nversion = \"1.2.3\"\n"),
        lua("mods/lib/main.lua"),
        ("mods/bare/plugin.toml", "[plugin]\nid = \"bare\"\nversion = \"1.0.0\"\n[dependencies]\nlib = \"1.2.3\"\n"),
        lua("mods/bare/main.lua"),
        (
            "mods/fact/plugin.toml",
            "[plugin]\nid = \"fact\"\nversion = \"1.0.0\"\ndepends = [\"lib >= 1.2\", \"? gone >= 1\", \"(?) zoo\", \"! foe\", \"~ sky\"]\n",
        ),
        lua("mods/fact/main.lua"),
        ("mods/foe/plugin.toml", "[plugin]\nid = \"foe\"\nversion = \"1.0.0\"\n"),
        lua("mods/foe/main.lua"),
        ("mods/sky/plugin.toml", "[plugin]\nid = \"sky\"\nversion = \"1.0.0\"\n[provides]\nweather = \"1.4.0\"\n"),
        lua("mods/sky/main.lua"),
        ("mods/dusk/plugin.toml", "[plugin]\nid = \"dusk\"\nversion = \"1.0.0\"\n[requires]\nweather = \"^1.2\"\n"),
        lua("mods/dusk/main.lua"),
        ("mods/dawn/plugin.toml", "[plugin]\nid = \"dawn\"\nversion = \"1.0.0\"\n[requires]\nweather = \"^2\"\n"),
        lua("mods/dawn/main.lua"),
        (
            "mods/herd/plugin.toml",
            "[plugin]\nid = \"herd\"\nversion = \"1.0.0\"\n[any-of]\nmobs = [\"gone ^2\", \"lib\"]\n",
        ),
        lua("mods/herd/main.lua"),
        (
            "mods/mine/plugin.toml",
            "[plugin]\nid = \"mine\"\nversion = \"1.0.0\"\nengine = \"^9\"\n[dev-dependencies]\ngone = \"*\"\n",
        ),
        lua("mods/mine/main.lua"),
        ("mods/yard/plugin.toml", "[plugin]\nid = \"yard\"\nversion = \"1.0.0\"\n[dev-dependencies]\ngone = \"*\"\n"),
        lua("mods/yard/main.lua"),
        lua("mods/zoo.lua"),
    ];
    let contract = "needs weather ^2, this game offers no such contract, and sky 1.0.0 provides 1.4.0";
    let conflict = "cannot be loaded together with foe, and 1.0.0 is there";
    check_all(&[
        (
            files,
            &["resolve", "mods", "--json"],
            0,
            &[
                Json("plugins.0.plugin", r#""lib""#),
                Json("plugins.1.uses.0.requirement", r#""^1.2.3""#),
                Json("plugins.3.uses.0.kind", r#""contract""#),
                Json("plugins.3.uses.0.for", r#""weather""#),
                Json("plugins.5.uses.0.kind", r#""any-of""#),
                Json("plugins.6.plugin", r#""yard""#),
                Json("plugins.8", "null"),
                JsonHas("left_out.0.error.message", contract),
                JsonHas("left_out.1.error.message", conflict),
                Json("left_out.2.error.message", r#""needs modhost ^9, this is 0.1.0""#),
            ],
        ),
        (
            files,
            &["resolve", "mods", "--without", "foe", "--json"],
            0,
            &[Json("added", r#"[{"plugin":"fact","version":"1.0.0"}]"#)],
        ),
        (files, &["why", "dusk", "mods"], 0, &[OutHas("after sky, because it needs the contract weather ^1.2\n")]),
        (
            files,
            &["why", "herd", "mods"],
            0,
            &[OutHas("after lib, because it needs one of several for mobs, and chose this\n")],
        ),
        (
            &[files[0], files[1], files[4], files[5], files[8], files[9], files[20]],
            &["why", "fact", "mods"],
            0,
            &[
                OutHas(
                    "after lib, because it needs >=1.2\nnot after sky, although it needs *: its manifest asks for no order\n",
                ),
                OutHas("after zoo, because it can use *\n"),
            ],
        ),
        (
            files,
            &["check", "mods"],
            5,
            &[
                Err("warning: bare: `1.2.3` means ^1.2.3"),
                Err(contract),
                Err(conflict),
                Err("needs modhost ^9"),
                NotErr("yard"),
            ],
        ),
    ]);
}
