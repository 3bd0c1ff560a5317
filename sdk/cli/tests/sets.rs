//! The verbs about sets of plugins: `resolve`, `why`, `graph`, `set`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use support::{
    File,
    See::{Err, Json, JsonHas, NotErr, Out, OutHas},
    check_all, folder, modhost,
};

const WOLF: File = (
    "mods/wolf/plugin.toml",
    "[plugin]\nid = \"wolf\"\nversion = \"1.2.0\"\n[dependencies]\nwood = \"^1\"\nmoon = { version = \"*\", optional = true }\n",
);
const WOLF_LUA: File = ("mods/wolf/main.lua", "print('I RAN')\n");
const WOOD: File = ("mods/wood/plugin.toml", "[plugin]\nid = \"wood\"\nversion = \"1.0.0\"\n");
const WOOD_LUA: File = ("mods/wood/main.lua", "print('I RAN')\n");
const WOOD2: File = ("mods/wood2/plugin.toml", "[plugin]\nid = \"wood\"\nversion = \"2.0.0\"\n");
const WOOD2_LUA: File = ("mods/wood2/main.lua", "");
const FOX: File =
    ("mods/fox/plugin.toml", "[plugin]\nid = \"fox\"\nversion = \"1.0.0\"\n[dependencies]\nhen = \"^1\"\n");
const FOX_LUA: File = ("mods/fox/main.lua", "");
const FOE: File = ("mods/foe/plugin.toml", "[plugin]\nid = \"foe\"\nversion = \"1.0.0\"\n[conflicts]\nwolf = \"*\"\n");
const FOE_LUA: File = ("mods/foe/main.lua", "");
/// A folder whose name would end a label in any of the formats.
const EVIL: File = ("mods/a\"]; <b>&#x;`/plugin.toml", "[plugin\n");
const NATIVE: File = (
    "mods/nat/plugin.toml",
    "[plugin]\nid = \"nat\"\nversion = \"1.0.0\"\n[entry]\nnative.linux-x86_64 = \"nat.so\"\n",
);
const NATIVE_SO: File = ("mods/nat/nat.so", "x");

const GOOD: &[File] = &[WOLF, WOLF_LUA, WOOD, WOOD_LUA, WOOD2, WOOD2_LUA];
const ALL: &[File] =
    &[WOLF, WOLF_LUA, WOOD, WOOD_LUA, WOOD2, WOOD2_LUA, FOX, FOX_LUA, FOE, FOE_LUA, EVIL, NATIVE, NATIVE_SO];

#[test]
fn resolve() {
    check_all(&[
        (
            &[("one/wolf.lua", ""), ("two/wolf.lua", ""), ("two/fox.lua", "")],
            &["resolve", "one", "two", "--json"],
            0,
            &[
                Json("shadowed.0.by", r#""one/wolf.lua""#),
                Json("plugins.1.plugin", r#""wolf""#),
                Json("left_out", "[]"),
            ],
        ),
        (
            GOOD,
            &["resolve", "mods"],
            0,
            &[
                Out("1  wood  1.0.0  lua  untrusted\n    not 2.0.0: wolf 1.2.0 needs wood ^1\n\
                     2  wolf  1.2.0  lua  untrusted  after wood\n\n\
                     2 plugins in load order. `modhost why ID DIR` says more of one.\n"),
                Err(""),
                NotErr("I RAN"),
            ],
        ),
        (
            ALL,
            &["resolve", "mods"],
            0,
            &[
                OutHas("! denied.backend: untrusted plugins need"),
                OutHas("    foe 1.0.0\n        ! resolve.conflict: plugin.toml:5:1: "),
                OutHas("          for the sake of wolf\n"),
                OutHas("! resolve.missing: plugin.toml:5:1: needs hen ^1, and it is not there"),
                OutHas("! manifest.syntax: "),
                OutHas("of which the policy would refuse 1, 3 left out."),
            ],
        ),
        (
            ALL,
            &["resolve", "mods", "--json"],
            0,
            &[
                Json("plugins.0.plugin", r#""nat""#),
                Json("plugins.0.backend", "null"),
                Json("plugins.0.refused.code", r#""denied.backend""#),
                Json("plugins.1.passed_over.0", r#"{"version":"2.0.0","why":"wolf 1.2.0 needs wood ^1"}"#),
                Json(
                    "plugins.2.uses",
                    r#"[{"plugin":"wood","requirement":"^1","kind":"needs","for":null,"first":true}]"#,
                ),
                Json("left_out.0.plugin", r#""foe""#),
                Json("left_out.0.sake", r#"["wolf"]"#),
                Json("left_out.1.error.code", r#""resolve.missing""#),
                Json("left_out.2.error.code", r#""manifest.syntax""#),
                Json("lock", "null"),
            ],
        ),
        (&[FOX, FOX_LUA], &["resolve", "mods"], 5, &[OutHas("! resolve.missing"), OutHas("0 plugins")]),
        (&[FOX, FOX_LUA], &["resolve", "mods", "--json"], 5, &[Json("error.code", r#""resolve.missing""#)]),
        (&[("mods/a.txt", "")], &["resolve", "mods", "--json"], 4, &[Json("error.code", r#""package.not-a-plugin""#)]),
        (&[("a.txt", "")], &["resolve", "a.txt"], 4, &[Err("error[package.not-a-plugin]"), Out("")]),
        (&[], &["resolve", "mods", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (GOOD, &["resolve", "mods", "--update", "--json"], 2, &[JsonHas("error.message", "--lock")]),
        (
            &[WOLF, WOLF_LUA, WOOD, WOOD_LUA, ("a.lock", "lock = 1\nwolf\n")],
            &["resolve", "mods", "--lock", "a.lock", "--update"],
            4,
            &[Err("error[package.lockfile]"), Err(" --> a.lock:2\n"), Err("2 | wolf\n"), Out("")],
        ),
    ]);
}

#[test]
fn why() {
    check_all(&[
        (
            GOOD,
            &["why", "wood", "mods"],
            0,
            &[Out("wood 1.0.0 is taken, from wood\nnot 2.0.0: wolf 1.2.0 needs wood ^1\n\
                   used by wolf 1.2.0, which needs ^1\n\
                   loaded as number 1 of 2, ahead of its id: wolf 1.2.0 is loaded after it\nruns in lua, untrusted\n")],
        ),
        (
            ALL,
            &["why", "wood", "mods", "--json"],
            0,
            &[
                Json("taken.version", r#""1.0.0""#),
                Json("taken.place", "2"),
                Json("taken.ahead_of", r#""wolf""#),
                Json("taken.dependencies.all", "[]"),
                Json("taken.dependents.direct", r#"["wolf"]"#),
                Json("taken.dependents.needed", r#"["wolf"]"#),
                Json("left_out", "[]"),
            ],
        ),
        (
            ALL,
            &["why", "fox", "mods"],
            0,
            &[OutHas("fox 1.0.0 is left out:\n! resolve.missing: "), OutHas("Install hen")],
        ),
        (ALL, &["why", "foe", "mods", "--json"], 0, &[Json("taken", "null"), Json("left_out.0.sake", r#"["wolf"]"#)]),
        (
            ALL,
            &["why", "nat", "mods"],
            0,
            &[OutHas("the policy would refuse it when it is loaded:\n! denied.backend: untrusted plugins need")],
        ),
        (ALL, &["why", "hen", "mods", "--json"], 2, &[JsonHas("error.message", "fox needs hen ^1")]),
        (ALL, &["why", "wolff", "mods"], 2, &[Err("error[plugin.not-found]"), Err("Did you mean `wolf`?")]),
        (GOOD, &["why", "wolf", "mods", "--lock", "no.lock", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
    ]);
}

#[test]
fn graph() {
    check_all(&[
        (
            ALL,
            &["graph", "mods"],
            0,
            &[
                OutHas(
                    "! foe 1.0.0 (left out: resolve.conflict)\n└── wolf 1.2.0 (lua, untrusted), for its sake\n    └── wood 1.0.0 (lua, untrusted), ^1\n",
                ),
                OutHas("! fox 1.0.0 (left out: resolve.missing)\n└── ! hen (not there), ^1\n"),
                OutHas("! nat 1.0.0 (refused: denied.backend)\n"),
                NotErr("I RAN"),
            ],
        ),
        (
            ALL,
            &["graph", "mods", "--format", "dot"],
            0,
            &[
                OutHas("n5 [label=\"a\\\"]; <b>&amp;#x;`\\nleft out: manifest.syntax\""),
                OutHas("n2 -> n1 [label=\"^1\"];"),
            ],
        ),
        (
            ALL,
            &["graph", "mods", "--format", "mermaid"],
            0,
            &[OutHas("n5[\"a#34;#93;#59; #60;b#62;#38;#35;x#59;#96;<br/>left out: "), OutHas("n2 -->|\"#94;1\"| n1\n")],
        ),
        (
            ALL,
            &["graph", "mods", "--format", "svg"],
            0,
            &[OutHas(">a&quot;]; &lt;b&gt;&amp;#x;`</text>"), OutHas("<title>wolf 1.2.0 needs wood ^1</title>")],
        ),
        (
            ALL,
            &["graph", "mods", "--json"],
            0,
            &[
                Json("nodes.2.plugin", r#""wolf""#),
                Json("nodes.2.state", r#""taken""#),
                Json("nodes.0.state", r#""refused""#),
                Json("edges.0", r#"{"from":2,"to":1,"kind":"needs","requirement":"^1"}"#),
                Json("drawn", "null"),
            ],
        ),
        (GOOD, &["graph", "mods", "--json", "--format", "svg"], 0, &[JsonHas("drawn", "<svg ")]),
        (&[], &["graph", "mods", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (
            ALL,
            &["graph", "mods", "--of", "fox"],
            0,
            &[Out("! fox 1.0.0 (left out: resolve.missing)\n└── ! hen (not there), ^1\n")],
        ),
        (
            ALL,
            &["graph", "mods", "--of", "wood", "--json"],
            0,
            &[
                Json("nodes.0.plugin", r#""wood""#),
                Json("nodes.1.plugin", r#""wolf""#),
                Json("nodes.2.plugin", r#""foe""#),
                Json("nodes.3", "null"),
                Json("edges.0", r#"{"from":1,"to":0,"kind":"needs","requirement":"^1"}"#),
                Json("edges.1", r#"{"from":2,"to":1,"kind":"sake","requirement":""}"#),
            ],
        ),
        (
            &[WOOD, WOOD_LUA, FOX, FOX_LUA, ("all.toml", "[resolve]\nmode = \"all-or-nothing\"\n")],
            &["graph", "mods", "--policy", "all.toml"],
            0,
            &[OutHas("! wood 1.0.0 (withheld: all or nothing)\n")],
        ),
        (ALL, &["graph", "mods", "--of", "wolff"], 2, &[Err("Did you mean `wolf`?"), Out("")]),
    ]);
}

const OWL: File =
    ("new/owl/plugin.toml", "[plugin]\nid = \"owl\"\nversion = \"1.0.0\"\n[dependencies]\nwood = \"^1\"\n");
const OWL_LUA: File = ("new/owl/main.lua", "print('I RAN')\n");
const WOLF2: File = ("new/wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"2.0.0\"\n");
const WOLF2_LUA: File = ("new/wolf/main.lua", "");
const WOLF0: File = ("old/wolf/plugin.toml", "[plugin]\nid = \"wolf\"\nversion = \"0.9.0\"\n");
const WOLF0_LUA: File = ("old/wolf/main.lua", "");

/// Some alone, and what would become of the plan.
#[test]
fn resolve_asks_before_anything_changes() {
    let more: Vec<File> =
        [GOOD, &[OWL, OWL_LUA, WOLF2, WOLF2_LUA, WOLF0, WOLF0_LUA, FOX, FOX_LUA, FOE, FOE_LUA]].concat();
    let alone: Vec<File> = [ALL, &[("mods/zoo.lua", "")]].concat();
    check_all(&[
        (
            &alone,
            &["resolve", "mods", "--only", "wolf"],
            0,
            &[
                OutHas("1  wood  1.0.0  lua  untrusted\n"),
                OutHas("2  wolf  1.2.0  lua  untrusted  after wood\n\n2 plugins in load order."),
            ],
        ),
        (
            &alone,
            &["resolve", "mods", "--only", "zoo", "--only", "fox", "--json"],
            5,
            &[
                Json("error.code", r#""resolve.missing""#),
                Json("plugins.0.plugin", r#""zoo""#),
                Json("plugins.1", "null"),
                Json("left_out.0.plugin", r#""fox""#),
                Json("left_out.1", "null"),
            ],
        ),
        (ALL, &["resolve", "mods", "--only", "nat"], 4, &[OutHas("! denied.backend: ")]),
        (ALL, &["resolve", "mods", "--only", "wolff"], 2, &[Err("Did you mean `wolf`?"), Out("")]),
        (
            &more,
            &["resolve", "mods", "--with", "new/owl"],
            0,
            &[Out("+ owl 1.0.0  lua\n\nWith it: 3 plugins in load order; before there were 2.\n"), NotErr("I RAN")],
        ),
        (
            &more,
            &["resolve", "mods", "--with", "new", "--json"],
            0,
            &[
                Json("added", r#"[{"plugin":"owl","version":"1.0.0"}]"#),
                Json("moved.0", r#"{"plugin":"wolf","from":"1.2.0","to":"2.0.0"}"#),
                Json("moved.1", "null"),
                Json("removed", "[]"),
                Json("plugins.2.plugin", r#""wolf""#),
            ],
        ),
        (
            &more,
            &["resolve", "mods", "--with", "old"],
            0,
            &[OutHas("! wolf 0.9.0 is not taken: 1.2.0 is taken before it\n\nWith it: nothing changes, 2 plugins")],
        ),
        (
            &[WOOD, WOOD_LUA, ("new/fox/plugin.toml", FOX.1), ("new/fox/main.lua", "")],
            &["resolve", "mods", "--with", "new/fox"],
            5,
            &[OutHas("! fox 1.0.0 is left out\n    ! resolve.missing: "), OutHas("With it: nothing changes, 1 plugin")],
        ),
        (
            &more,
            &["resolve", "mods", "--with", "mods/wood", "--json"],
            4,
            &[Json("error.code", r#""package.duplicate""#)],
        ),
        (
            &[WOOD, WOOD_LUA, ("new/nat/plugin.toml", NATIVE.1), ("new/nat/nat.so", "x")],
            &["resolve", "mods", "--with", "new/nat"],
            4,
            &[OutHas("+ nat 1.0.0\n    ! denied.backend: ")],
        ),
        (
            &[WOOD, WOOD_LUA, ("new/bad/plugin.toml", "[plugin\n")],
            &["resolve", "mods", "--with", "new/bad", "--json"],
            4,
            &[Json("error.code", r#""manifest.syntax""#), Json("error.plugin", r#""bad""#)],
        ),
        (&more, &["resolve", "mods", "--with", "nowhere", "--json"], 2, &[Json("error.code", r#""io.not-found""#)]),
        (
            &more,
            &["resolve", "mods", "--without", "wood"],
            0,
            &[
                OutHas("- wood 1.0.0\n"),
                OutHas("- wolf 1.2.0\n    ! resolve.missing: "),
                OutHas("Without wood: 1 plugin in load order; before there were 2.\n"),
            ],
        ),
        (
            ALL,
            &["resolve", "mods", "--without", "wolf", "--json"],
            0,
            &[
                Json("added", r#"[{"plugin":"foe","version":"1.0.0"}]"#),
                Json("removed", r#"[{"plugin":"wolf","version":"1.2.0"}]"#),
                Json("moved", r#"[{"plugin":"wood","from":"1.0.0","to":"2.0.0"}]"#),
                Json("left_out", "[]"),
            ],
        ),
        (&more, &["resolve", "mods", "--without", "moon"], 2, &[Err("error[plugin.not-found]"), Out("")]),
        (
            GOOD,
            &["resolve", "mods", "--without", "wolf", "--only", "wood", "--json"],
            2,
            &[JsonHas("error.message", "--only")],
        ),
    ]);
}

/// The tree of the demonstration, whole.
#[test]
fn graph_of_the_demo() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let drawn = modhost(&demo).args(["graph", "demo"]).output().unwrap();
    assert_eq!(
        String::from_utf8(drawn.stdout).unwrap(),
        "berserker 6.6.6 (lua, untrusted)\n\
         field-medic 1.1.0 (lua, untrusted)\n└── base-rules 1.4.0 (lua, untrusted), ^1.2\n\
         turbo-sim 2.0.0 (wasm, untrusted)\n\
         waves 0.9.2 (rhai, untrusted)\n└── base-rules 1.4.0 (lua, untrusted), ^1.2\n\
         weather 0.2.0 (rhai, untrusted)\n\
         wolfpack 0.3.1 (wasm, untrusted)\n└── base-rules 1.4.0 (lua, untrusted), ^1.2\n"
    );
}

/// One step of a story in one folder: words, status, what is seen on either stream.
type Step<'a> = (&'a [&'a str], i32, &'a [&'a str]);

#[track_caller]
fn tell(here: &Path, steps: &[Step<'_>]) {
    for (words, status, parts) in steps {
        let output = modhost(here).args(*words).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(*status), "{words:?}: {text}");
        for part in *parts {
            assert!(text.contains(part), "{words:?}: no {part:?} in {text}");
        }
    }
}

#[test]
fn a_lockfile_is_written_held_to_and_updated() {
    let here = folder(GOOD);
    let lock: &[&str] = &["resolve", "mods", "--lock", "my.lock"];
    tell(here.path(), &[(lock, 0, &["my.lock keeps this plan now."]), (lock, 0, &["This is what my.lock holds."])]);
    let first = fs::read_to_string(here.path().join("my.lock")).unwrap();
    assert!(first.contains("id = \"wood\"\nversion = \"1.0.0\"\ndigest = \"sha256:"), "{first}");
    fs::write(here.path().join("mods/wood/main.lua"), "-- changed").unwrap();
    tell(
        here.path(),
        &[
            (lock, 5, &["error[resolve.locked]: wood 1.0.0 holds other files than when it was locked", "--update"]),
            (
                &["resolve", "mods", "--lock", "my.lock", "--json"],
                5,
                &["\"state\":\"refused\"", "\"code\":\"resolve.locked\""],
            ),
        ],
    );
    assert_eq!(fs::read_to_string(here.path().join("my.lock")).unwrap(), first, "a refusal writes nothing");
    let update: &[&str] = &["resolve", "mods", "--lock", "my.lock", "--update"];
    tell(here.path(), &[(update, 0, &["my.lock was written anew"]), (lock, 0, &["This is what my.lock holds."])]);
    let names: Vec<_> = fs::read_dir(here.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside it: {names:?}");
}

#[test]
fn a_set_goes_out_and_comes_back() {
    let here = folder(GOOD);
    let out = "our.modset";
    tell(
        here.path(),
        &[
            (&["set", "export", "mods", "--out", out], 0, &["profile default of 2 plugins"]),
            (&["set", "import", out, "mods"], 0, &["1  wood 1.0.0\n2  wolf 1.2.0\n", "is here as it was: 2 plugins"]),
            (&["set", "export", "mods", "--disable", "wood"], 5, &["wolf: needs wood", "--disable wolf"]),
            (&["set", "export", "mods", "--disable", "hen"], 2, &["error[plugin.not-found]"]),
            (
                &["set", "export", "mods", "--profile", "calm", "--disable", "wolf", "--out", out],
                0,
                &["Profiles: calm, default."],
            ),
            (&["set", "import", out, "mods"], 0, &["1  wood 1.0.0\n", "Switched off: wolf"]),
            (
                &["set", "import", out, "mods", "--profile", "default", "--json"],
                0,
                &["\"profile\":\"default\"", "\"absent\":[]"],
            ),
            (&["set", "import", out, "mods", "--profile", "wild"], 2, &["error[usage]", "There are calm, default."]),
            (&["set", "export", "mods", "--profile", "A B"], 4, &["error[package.mod-set]"]),
            (&["set", "import", "mods/wood/plugin.toml", "mods"], 4, &["error[package.mod-set]"]),
            (&["set", "import", "no.modset", "mods", "--json"], 2, &["\"code\":\"io.not-found\""]),
            (&["set"], 2, &["Usage: modhost set"]),
        ],
    );
    let printed = modhost(here.path()).args(["set", "export", "mods"]).output().unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(text.starts_with("modhost-set 1\nactive default\n\nprofile default\n+ wolf 1.2.0 sha256:"), "{text}");
    fs::write(here.path().join("mods/wolf/main.lua"), "-- changed").unwrap();
    fs::remove_dir_all(here.path().join("mods/wood")).unwrap();
    fs::write(here.path().join("mods/new.lua"), "").unwrap();
    tell(
        here.path(),
        &[(
            &["set", "import", out, "mods", "--profile", "default"],
            5,
            &[
                "error[resolve.locked]",
                "wolf 1.2.0, and that which is there holds other files",
                "wood 1.0.0, and only 2.0.0 is there",
            ],
        )],
    );
}

/// Plugins that encode a formula nobody finds values for at a glance: `top` needs each clause, a clause has a version for each of its
/// three literals, which needs a variable in version 1 or 2.
fn formula(here: &Path, variables: u64) {
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let plugin = |name: String, version: u64, needs: &str| {
        let dir = here.join(format!("mods/{name}-{version}"));
        fs::create_dir_all(&dir).unwrap();
        let head = format!("[plugin]\nid = \"{name}\"\nversion = \"{version}.0.0\"\n[dependencies]\n{needs}");
        fs::write(dir.join("plugin.toml"), head).unwrap();
        fs::write(dir.join("main.lua"), "").unwrap();
    };
    (0..variables).for_each(|at| (1..=2).for_each(|version| plugin(format!("v{at}"), version, "")));
    let clauses = variables * 426 / 100;
    for clause in 0..clauses {
        for version in 1..=3 {
            let need = format!("v{} = \"={}.0.0\"\n", below(variables), 1 + below(2));
            plugin(format!("c{clause}"), version, &need);
        }
    }
    let needs: String = (0..clauses).map(|clause| format!("c{clause} = \"*\"\n")).collect();
    plugin("top".into(), 1, &needs);
}

/// What cannot be settled in time says what to do, and each of that works.
#[test]
fn a_budget_that_is_used_up_leaves_ways_to_go_on() {
    let here = folder(&[("low.toml", "[resolve]\nbudget = 60\n"), ("greedy.toml", "[resolve]\nchoice = \"greedy\"\n")]);
    formula(here.path(), 30);
    let low: &[&str] = &["resolve", "mods", "--policy", "low.toml"];
    let only: &[&str] = &["resolve", "mods", "--policy", "low.toml", "--only", "top"];
    let locked: &[&str] = &["resolve", "mods", "--policy", "low.toml", "--lock", "my.lock"];
    let greedy: &[&str] = &["resolve", "mods", "--greedy", "--lock", "my.lock"];
    tell(
        here.path(),
        &[
            (
                low,
                0,
                &[
                    "! resolve.budget: ",
                    "was not found within 60 steps",
                    "note: what goes together was not found within 60",
                ],
            ),
            (&[low, &["--json"]].concat(), 0, &["\"code\":\"resolve.budget\"", "--greedy"]),
            (only, 5, &["! resolve.budget: ", "Take fewer mods, keep a set in modhost.lock, raise `budget`"]),
            (&["why", "top", "mods", "--policy", "low.toml"], 0, &["resolve.budget", "--greedy"]),
            // What is taken without a search is kept, and comes out again where the search is cut short.
            (greedy, 0, &["my.lock keeps this plan now."]),
            (greedy, 0, &["This is what my.lock holds."]),
            (locked, 0, &["This is what my.lock holds."]),
            (&["resolve", "mods", "--policy", "greedy.toml", "--lock", "my.lock"], 0, &["This is what my.lock holds."]),
            (&["resolve", "mods", "--only", "top"], 0, &["in load order"]),
        ],
    );
    let plan = |words: &[&str]| modhost(here.path()).args(words).output().unwrap().stdout;
    let text = String::from_utf8(plan(&["resolve", "mods", "--greedy"])).unwrap();
    assert!(!text.contains("resolve.budget"), "{text}");
    assert_eq!(plan(low), plan(low));
}
