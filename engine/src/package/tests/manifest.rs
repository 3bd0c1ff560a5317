//! Manifests: text, and what becomes of it.

use super::brief;
use crate::package::Manifest;

/// Three lines that every manifest needs; the rows' own text begins at line 4.
const PLUGIN: &str = "[plugin]\nid = \"w\"\nversion = \"1.0.0\"\n";

/// Reads `text` and compares with `ok` or `code line:column`.
#[track_caller]
fn check(text: &str, expected: &str) {
    let found = Manifest::parse(text.as_bytes()).map_or_else(|error| brief(&error), |_| "ok".to_owned());
    let short: String = text.chars().take(200).collect();
    assert_eq!(found, expected, "{short}");
    if let Err(error) = Manifest::parse(text.as_bytes()) {
        assert!(error.at().is_some_and(|at| at.file == "plugin.toml"), "no place: {error}");
        assert!(error.to_string().chars().all(|c| !c.is_control()), "unescaped: {error:?}");
    }
}

#[test]
fn whole_manifests() {
    let rows = [
        ("", "manifest.missing-key 1:1"),
        ("manifest = 1", "manifest.missing-key 1:1"),
        ("[plugin]", "manifest.missing-key 1:2"),
        ("\n\n[plugin]\nid = 'w'", "manifest.missing-key 3:2"),
        ("plugin = 7", "manifest.syntax 1:10"),
        ("plugin = {id = 'w', version = '1.0.0'}", "ok"),
        ("plugin.id = 'w'\nplugin.version = '1.0.0'", "ok"),
        ("\u{feff}[plugin]\nid = 'w'\nversion = '1.0.0'", "ok"),
        ("\u{feff}[plugin]\nid = 'w'\r\nversion = '1.0.0'\r\n", "ok"),
        ("manifest = 1\n[plugin]\nid = 'w'\nversion = '1.0.0'", "ok"),
        ("manifest = 2\n[plugin]\nid = 'w'\nversion = '1.0.0'", "manifest.newer 1:12"),
        ("manifest = 3\nnovelties = true", "manifest.newer 1:12"),
        ("manifest = 0\n[plugin]\nid = 'w'\nversion = '1.0.0'", "manifest.syntax 1:12"),
        ("manifest = -1", "manifest.syntax 1:12"),
        ("manifest = '1'", "manifest.syntax 1:12"),
        ("manifest = 99999999999999999999", "manifest.syntax 1:12"),
        ("[plugin]\nid = 'W'\nversion = '1.0.0'", "manifest.id 2:6"),
        ("[plugin]\nid = 'a.b.c'\nversion = '1.0.0'", "manifest.id 2:6"),
        ("[plugin]\nid = ''\nversion = '1.0.0'", "manifest.id 2:6"),
        ("[plugin]\nid = 7\nversion = '1.0.0'", "manifest.syntax 2:6"),
        ("[plugin]\nid = 'w'\nversion = '1.0'", "manifest.version 3:11"),
        ("[plugin]\nid = 'w'\nversion = '1.0.0 '", "manifest.version 3:11"),
        ("[plugin]\nid = 'w'\nversion = '01.0.0'", "manifest.version 3:11"),
        ("[plugin]\nid = 'w'\nversion = '1.0.0-rc.1+build.7'", "ok"),
        ("[plugin]\nid = 'w'\nid = 'v'\nversion = '1.0.0'", "manifest.syntax 3:1"),
        ("[plugin]\nid = 'w'\nversion = '1.0.0'\n[plugin]\nname = 'x'", "manifest.syntax 4:2"),
        ("[plugin", "manifest.syntax 1:8"),
        ("[plugin]\nid = ", "manifest.syntax 2:6"),
        ("[plugin]\nid = 'w\nversion = '1.0.0'", "manifest.syntax 2:8"),
        ("wolf", "manifest.syntax 1:5"),
        ("[[plugin]]\nid = 'w'", "manifest.syntax 1:1"),
        ("[plugn]\nid = 'w'", "manifest.unknown-key 1:2"),
        ("id = 'w'", "manifest.unknown-key 1:1"),
        ("# \u{f6}\u{f6}\n'\u{fc}' = 1", "manifest.unknown-key 2:1"),
    ];
    for (text, expected) in rows {
        check(text, expected);
    }
}

#[test]
fn tables_and_keys() {
    let rows = [
        ("", "ok"),
        ("colour = 'red'", "manifest.unknown-key 4:1"),
        ("name = 'W'\ndescription = 'd'\nauthors = ['a', 'b']\nlicense = 'MIT'", "ok"),
        ("repository = 'r'\ndocumentation = 'd'\ncategory = 'c'\ntags = []", "ok"),
        ("authors = 'A'", "manifest.syntax 4:11"),
        ("authors = ['a', 7]", "manifest.syntax 4:17"),
        ("engine = '^0.1'", "ok"),
        ("engine = 'new'", "manifest.version 4:10"),
        ("description = '\u{f6}\u{1f43a}'\ntags = ['\u{f6}\u{1f43a}', 7]", "manifest.syntax 5:15"),
        // [entry]
        ("[entry]\nlua = 'main.lua'\nwasm = 'w.wasm'\nbasic = 'w.bas'", "ok"),
        ("[entry]\nnative.linux-x86_64 = 'w.so'\nnative.windows-x86_64 = 'w.dll'", "ok"),
        ("[entry]\nnative = 'w.so'", "ok"),
        ("[entry]\nLua = 'main.lua'", "manifest.name 5:1"),
        ("[entry]\nlua = 7", "manifest.syntax 5:7"),
        ("[entry]\nlua.linux-x86_64 = 'main.lua'", "manifest.syntax 5:1"),
        ("[entry]\nnative.linux = 'w.so'", "manifest.name 5:8"),
        ("[entry]\nlua = '../main.lua'", "package.escapes 5:7"),
        ("[entry]\nlua = '/main.lua'", "package.escapes 5:7"),
        ("[entry]\nlua = 'lib\\main.lua'", "package.name 5:7"),
        ("[entry]\nnative.linux-x86_64 = 'nul'", "package.name 5:23"),
        ("entry = 'main.lua'", "manifest.unknown-key 4:1"),
        // [requires], [provides]
        ("[requires]\nworld = '^1.0'\naudio = '1'", "ok"),
        ("[requires]\nworld = '1.x.y.z'", "manifest.version 5:9"),
        ("[requires]\nworld = ''", "manifest.version 5:9"),
        ("[requires]\nWorld = '1'", "manifest.name 5:1"),
        ("[requires]\n'acme.world' = '1'", "manifest.name 5:1"),
        ("[requires]\nworld = 1", "manifest.syntax 5:9"),
        ("[provides]\nweather = '1.0.0'", "ok"),
        ("[provides]\nweather = '^1'", "manifest.version 5:11"),
        // [dependencies] and its kin
        ("[dependencies]\nbase = '^1.2'\n'acme.hud' = '*'", "ok"),
        ("[dependencies]\nbase = { version = '1', optional = true, order = false }", "ok"),
        ("[dependencies.base]\noptional = true", "ok"),
        ("[dependencies]\nbase = { version = '1', opt = true }", "manifest.unknown-key 5:25"),
        ("[dependencies]\nbase = { optional = 'yes' }", "manifest.syntax 5:21"),
        ("[dependencies]\nacme.hud = '1'", "manifest.unknown-key 5:6"),
        ("[dependencies]\nBase = '1'", "manifest.id 5:1"),
        ("[dependencies]\nbase = 'one'", "manifest.version 5:8"),
        ("[dependencies]\nbase = '1'\nbase = '2'", "manifest.syntax 6:1"),
        ("[dev-dependencies]\nmock = '1'", "ok"),
        ("[dev-dependencies]\nmock = {v = '1'}", "manifest.unknown-key 5:9"),
        ("[dev_dependencies]\nmock = '1'", "manifest.unknown-key 4:2"),
        ("[conflicts]\nold = '<2'", "ok"),
        ("[conflicts]\nold = true", "manifest.syntax 5:7"),
        ("[any-of]\nmobs = ['redo ^2', 'simple']", "ok"),
        ("[any-of]\nmobs = []", "manifest.missing-key 5:8"),
        ("[any-of]\nmobs = ['redo ^2', 'simple two']", "manifest.version 5:20"),
        ("depends = ['? a >= 1.2', '(?) b', '! c', '~ d', 'e', 'f>=1,<2', '?acme.g']", "ok"),
        ("depends = ['! ']", "manifest.id 4:12"),
        ("depends = ['??a']", "manifest.id 4:12"),
        ("depends = ['a', 'a >= 2']", "manifest.syntax 4:17"),
        ("depends = ['a']\n[dependencies]\na = '1'", "manifest.syntax 4:12"),
        ("depends = ['! a']\n[conflicts]\na = '1'", "manifest.syntax 4:12"),
        ("depends = 'a'", "manifest.syntax 4:11"),
        // [capabilities], [events]
        ("[capabilities]\nrequired = ['world.spawn']\noptional = ['log', 'log']", "ok"),
        ("[capabilities]\nrequired = ['log', 'World']", "manifest.name 5:20"),
        ("[capabilities]\nrequires = ['log']", "manifest.unknown-key 5:1"),
        ("[events]\nlisten = ['dusk', 'acme.dawn']", "ok"),
        ("[events]\nlisten = ['on dusk']", "manifest.name 5:11"),
        ("[events]\nlistens = []", "manifest.unknown-key 5:1"),
        // [limits]
        ("[limits]\nfuel = 200_000\nmemory = '8MiB'\ndeadline = '2ms'", "ok"),
        ("[limits]\ncall_depth = 20\noutput = 4096\nvalue_bytes = '1KiB'", "ok"),
        ("[limits]\nqueue = 3", "ok"),
        ("[limits]\nqueue = 4294967296", "manifest.syntax 5:9"),
        ("[limits]\nfuel = 0xff\nmemory = 8388608", "ok"),
        ("[limits]\nfule = 1", "manifest.unknown-key 5:1"),
        ("[limits]\nfuel = -1", "manifest.syntax 5:8"),
        ("[limits]\nfuel = '1'", "manifest.syntax 5:8"),
        ("[limits]\nfuel = 1.5", "manifest.syntax 5:8"),
        ("[limits]\nmemory = '8 megs'", "manifest.size 5:10"),
        ("[limits]\nmemory = -8", "manifest.size 5:10"),
        ("[limits]\nmemory = true", "manifest.syntax 5:10"),
        ("[limits]\ndeadline = '2'", "manifest.duration 5:12"),
        ("[limits]\ndeadline = 2", "manifest.duration 5:12"),
        ("[limits]\ncall_depth = 4294967296", "manifest.syntax 5:14"),
        // Reserved
        ("[settings]\nspeed = 1\n[storage.x]\n[state]\n[build]\n[permissions]", "ok"),
        ("[settings]\nspeed = ", "manifest.syntax 5:9"),
        ("[[settings]]\nspeed = 1", "manifest.syntax 4:1"),
        ("[setings]", "manifest.unknown-key 4:2"),
    ];
    for (tail, expected) in rows {
        check(&format!("{PLUGIN}{tail}"), expected);
    }
}

#[test]
fn sizes_are_bounded() {
    let long = "x".repeat(4097);
    let many: String = (0..1001).map(|n| format!("d{n} = '1'\n")).collect();
    let rows = [
        (format!("description = '{long}'"), "manifest.syntax 4:15"),
        (format!("description = '{}'", &long[1..]), "ok"),
        (format!("tags = [{}]", "'x',".repeat(1001)), "manifest.syntax 4:8"),
        (format!("[dependencies]\n{many}"), "manifest.syntax 4:2"),
        (format!("[requires]\nworld = '{}1'", " ".repeat(256)), "manifest.version 5:9"),
        (format!("[provides]\nworld = '1.0.0-{}'", "x".repeat(64)), "manifest.version 5:9"),
        (format!("[settings]\nx = {}{}", "[".repeat(8), "]".repeat(8)), "ok"),
        (format!("[settings]\nx = {}{}", "[".repeat(9), "]".repeat(9)), "manifest.syntax 5:13"),
        (format!("[settings]\nx{} = 1", ".x".repeat(8)), "ok"),
        (format!("[settings]\nx{} = 1", ".x".repeat(9)), "manifest.syntax 5:18"),
        (format!("[settings]\nx = '{}'", "[{.".repeat(100)), "ok"),
        (format!("[settings] # {}", "[{.".repeat(100)), "ok"),
    ];
    for (tail, expected) in rows {
        check(&format!("{PLUGIN}{tail}"), expected);
    }
    let error = Manifest::parse(b"[plugin]\nid = 'w\xff'").unwrap_err();
    assert_eq!(brief(&error), "manifest.syntax 2:8");
}

/// From 12 KB of this, `toml` alone builds a tree whose drop overflows a thread's stack.
#[test]
fn deep_trees_are_never_built() {
    let key = vec!["a"; 79].join(".");
    for (open, close) in [("{", "}"), ("{", ""), ("{ ]", "}"), ("{}, {", "}"), ("[{", "}]"), ("{\n", "\n}")] {
        let text = format!("{PLUGIN}[settings]\n{}1{}", format!("{key} = {open}").repeat(79), close.repeat(79));
        let read = std::thread::Builder::new().stack_size(256 << 10).spawn(move || Manifest::parse(text.as_bytes()));
        let error = read.unwrap().join().unwrap().unwrap_err();
        assert_eq!(error.code().as_str(), "manifest.syntax", "{open}");
    }
}

#[test]
fn unknown_keys_name_the_nearest() {
    let rows = [
        ("[limits]\nfule = 1", "unknown key `fule` in [limits]; did you mean `fuel`?"),
        ("[capabilites]", "unknown table `capabilites`; did you mean `capabilities`?"),
        ("licence = 'MIT'", "unknown key `licence` in [plugin]; did you mean `license`?"),
        ("[events]\ntopics = []", "unknown key `topics` in [events]; there are listen"),
        ("[events]\n\"a\\u001b[31m\" = 1", "unknown key `a\\u{1b}[31m` in [events]; there are listen"),
        (
            "[dependencies]\na = {opt = true}",
            "unknown key `opt` in [dependencies.a]; there are version, optional, order",
        ),
    ];
    for (tail, message) in rows {
        assert_eq!(Manifest::parse(format!("{PLUGIN}{tail}").as_bytes()).unwrap_err().message(), message);
    }
    let dotted = Manifest::parse(format!("{PLUGIN}[conflicts]\nacme.hud = '1'").as_bytes()).unwrap_err();
    assert_eq!(dotted.help(), "An id with a dot is written in quotes: \"acme.name\" = \"^1.2\".");
}

#[test]
fn everything_is_kept() {
    let text = r#"
manifest = 1
[plugin]
id = "acme.wolfpack"
version = "0.3.1"
name = "Wolf Pack"
description = "Wolves hunt in packs at dusk"
authors = ["A. Author"]
license = "MIT"
engine = "^0.1"
depends = ["? fancy-weather >= 1.2", "! bad-mod", "~ shared-assets", "(?) z 1"]
[entry]
wasm = "wolfpack.wat"
lua = "main.lua"
native.linux-x86_64 = "libwolfpack.so"
[requires]
world = "1.0"
[dependencies]
base-rules = "1.2.3"
a-first = { version = "*", optional = true, order = false }
[provides]
weather = "1.0.0"
[dev-dependencies]
mock = "1"
[conflicts]
realistic-wolves = "*"
[any-of]
mobs = ["mobs-redo ^2", "simple-mobs"]
[capabilities]
required = ["world.spawn"]
optional = ["log", "world.spawn"]
[events]
listen = ["dusk"]
[limits]
fuel = 200_000
memory = "8MiB"
deadline = "2ms"
call_depth = 20
output = 1000
value_bytes = "1KiB"
queue = 7
[build]
x = 1
"#;
    let manifest = Manifest::parse(text.as_bytes()).unwrap();
    let entries: Vec<_> = manifest
        .entries
        .iter()
        .map(|entry| format!("{} {:?} {} {}", entry.kind, entry.target, entry.path, entry.at))
        .collect();
    let depends: Vec<_> = manifest
        .dependencies
        .iter()
        .map(|d| format!("{} {} {} {} {}", d.id, d.version, d.optional, d.order, d.hidden))
        .collect();
    let choices: Vec<_> =
        manifest.any_of[0].choices.iter().map(|choice| format!("{} {}", choice.id, choice.version)).collect();
    assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("acme.wolfpack", "0.3.1"));
    assert_eq!(manifest.about.name.as_deref(), Some("Wolf Pack"));
    assert_eq!(manifest.about.authors, ["A. Author"]);
    assert_eq!(manifest.engine.as_ref().unwrap().version.to_string(), "^0.1");
    assert_eq!(
        entries,
        [
            "wasm None wolfpack.wat plugin.toml:13:1",
            "lua None main.lua plugin.toml:14:1",
            "native Some(\"linux-x86_64\") libwolfpack.so plugin.toml:15:8"
        ]
    );
    assert_eq!(manifest.requires[0].version.to_string(), "^1.0");
    assert_eq!(
        depends,
        [
            "base-rules ^1.2.3 false true false",
            "a-first * true false false",
            "fancy-weather >=1.2 true true false",
            "shared-assets * false false false",
            "z ^1 true true true",
        ]
    );
    assert_eq!(manifest.provides[0].version.to_string(), "1.0.0");
    assert_eq!(manifest.dev_dependencies[0].id.as_str(), "mock");
    let conflicts: Vec<_> = manifest.conflicts.iter().map(|conflict| conflict.id.as_str()).collect();
    assert_eq!(conflicts, ["realistic-wolves", "bad-mod"]);
    assert_eq!(
        (manifest.any_of[0].name.as_str(), choices),
        ("mobs", vec!["mobs-redo ^2".into(), "simple-mobs *".into()])
    );
    assert_eq!(manifest.capabilities.required[0].as_str(), "world.spawn");
    assert_eq!(manifest.capabilities.optional.len(), 1, "what is required already is not optional too");
    assert_eq!(manifest.listen, ["dusk"]);
    let limits = &manifest.limits;
    assert_eq!((limits.fuel, limits.memory, limits.output), (Some(200_000), Some(8 << 20), Some(1000)));
    assert_eq!(limits.deadline, Some(std::time::Duration::from_millis(2)));
    assert_eq!((limits.call_depth, limits.value_bytes, limits.queue), (Some(20), Some(1024), Some(7)));
    assert_eq!(manifest.notes.len(), 2, "{:?}", manifest.notes);
}

/// Thousands of places on one line are found without a scan of the line for each.
#[test]
fn a_long_line_costs_no_scan_per_place() {
    let ids: String = (0..20).flat_map(|n| (0..900).map(move |m| (n, m))).fold(String::new(), |mut text, (n, m)| {
        text += &if m == 0 { format!("{}g{n} = ['a'", if n == 0 { "" } else { "], " }) } else { format!(",'b{m}'") };
        text
    });
    let text = format!("any-of = {{{ids}]}}\n{PLUGIN}");
    let begun = std::time::Instant::now();
    let manifest = Manifest::parse(text.as_bytes()).unwrap();
    assert_eq!(manifest.any_of[19].choices.len(), 900);
    let last = manifest.any_of[19].choices[899].at.column.unwrap() as usize;
    assert_eq!(last, text.find("]}").unwrap() - "'b899'".len() + 1);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
