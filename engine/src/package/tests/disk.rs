//! Folders and files as they may lie on a disk.

use std::{
    env::consts::{ARCH, OS},
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode, mkdirat, mknodat};

use super::brief;
use crate::{
    Code,
    package::{Caps, Package, discover, files::find},
};

const MANIFEST: &str = "[plugin]\nid = 'wolf'\nversion = '1.2.3'\n";

/// What a folder is made of.
#[derive(Clone)]
enum Make<'a> {
    /// A file with this text.
    Text(&'a str, &'a str),
    /// A file of this many bytes, which takes no room on the disk.
    Sparse(&'a str, u64),
    /// A link.
    Link(&'a str, &'a str),
    /// A named pipe.
    Pipe(&'a str),
    /// A socket.
    Socket(&'a str),
    /// An empty folder.
    Folder(&'a str),
    /// A file whose name is these bytes.
    Raw(&'a [u8]),
}
use Make::{Folder, Link, Pipe, Raw, Socket, Sparse, Text};

fn parent(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
}

fn make(root: &Path, parts: &[Make<'_>]) {
    fs::create_dir_all(root).unwrap();
    for part in parts {
        let name = match part {
            Text(name, _) | Sparse(name, _) | Link(name, _) | Pipe(name) | Socket(name) | Folder(name) => {
                OsStr::new(name)
            }
            Raw(name) => OsStr::from_bytes(name),
        };
        let path = root.join(name);
        parent(&path);
        match part {
            Text(_, text) => fs::write(path, text).unwrap(),
            Sparse(_, size) => fs::File::create(path).unwrap().set_len(*size).unwrap(),
            Link(_, target) => symlink(target, path).unwrap(),
            Pipe(_) => mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            Socket(_) => mknodat(CWD, &path, FileType::Socket, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            Folder(_) => fs::create_dir(&path).unwrap(),
            Raw(_) => fs::write(path, "").unwrap(),
        }
    }
}

/// Small caps, so that the rows stay small.
fn caps() -> Caps {
    Caps { file: 1000, total: 1500, folder: 4000, files: 20, manifest: 400, plugins: 20, depth: 3, ..Caps::default() }
}

/// `ok` and the paths read and the artefacts, or the error in brief.
fn show(opened: Result<Package, crate::Error>) -> String {
    match opened {
        Ok(package) => {
            let files: Vec<&str> = package.files().iter().map(|(path, _)| path).collect();
            let artefact = |a: &crate::package::Artefact| {
                assert!(package.files().get(&a.entry).is_some());
                format!("{}:{}{}", a.kind, a.entry, if a.text { ":text" } else { "" })
            };
            let artefacts: Vec<String> = package.artefacts().iter().map(artefact).collect();
            format!("{} {} [{}] {}", package.id(), package.version(), files.join(" "), artefacts.join(" "))
        }
        Err(error) => brief(&error),
    }
}

/// A plugin's folder of `parts` beside a file that is none of its business, opened with small caps.
#[track_caller]
fn check(parts: &[Make<'_>], expected: &str) {
    let area = tempfile::tempdir().unwrap();
    fs::write(area.path().join("secret.lua"), "secret").unwrap();
    let root = area.path().join("plugin");
    make(&root, parts);
    assert_eq!(show(Package::open(&root, &caps())), expected);
}

/// The same with a manifest and a `main.lua` beside the parts.
#[track_caller]
fn check_with(parts: &[Make<'_>], expected: &str) {
    let mut all = vec![Text("plugin.toml", MANIFEST), Text("main.lua", "")];
    all.extend_from_slice(parts);
    check(&all, expected);
}

#[test]
fn folders() {
    let native = |path: &str| format!("{MANIFEST}[entry]\nnative.{OS}-{ARCH} = '{path}'\n");
    check(&[], "package.not-a-plugin");
    check(&[Text("main.lua", "")], "package.not-a-plugin");
    check(&[Text("plugin.toml", MANIFEST)], "manifest.missing-key 1:1");
    check(&[Text("plugin.toml", "wolf"), Text("main.lua", "")], "manifest.syntax 1:5");
    check_with(&[], "wolf 1.2.3 [main.lua plugin.toml] lua:main.lua");
    check_with(&[Text("a/b/c/d.txt", "")], "wolf 1.2.3 [a/b/c/d.txt main.lua plugin.toml] lua:main.lua");
    check_with(
        &[Text("main.wat", ""), Text("main.rhai", "")],
        "wolf 1.2.3 [main.lua main.rhai main.wat plugin.toml] lua:main.lua rhai:main.rhai wasm:main.wat:text",
    );
    check_with(
        &[Text("main.wasm", ""), Text("main.wat", "")],
        "wolf 1.2.3 [main.lua main.wasm main.wat plugin.toml] lua:main.lua wasm:main.wasm",
    );
    let hidden = [Text(".git/config", ""), Text(".env", ""), Text("target/x", ""), Text("a/node_modules/x", "")];
    check_with(&hidden, "wolf 1.2.3 [main.lua plugin.toml] lua:main.lua");
    let toml = format!("{MANIFEST}[entry]\nrhai = 'lib/a.rhai'\nwasm = 'W.WAT'");
    check(
        &[Text("plugin.toml", &toml), Text("lib/a.rhai", ""), Text("W.WAT", "")],
        "wolf 1.2.3 [W.WAT lib/a.rhai plugin.toml] rhai:lib/a.rhai wasm:W.WAT:text",
    );
    check(&[Text("plugin.toml", &toml), Text("lib/a.rhai", "")], "package.missing-artefact 6:1");
    check(&[Text("plugin.toml", &toml), Text("lib/a.rhai/x", ""), Text("W.WAT", "")], "package.special-file");
    check(&[Text("plugin.toml", &native("a.so"))], "package.missing-artefact 5:8");
    check(
        &[
            Text("plugin.toml", &native("target/release/a.so")),
            Text("target/release/a.so", "elf"),
            Text("target/x", ""),
        ],
        "wolf 1.2.3 [plugin.toml target/release/a.so] native:target/release/a.so",
    );
    let both = format!("{}lua = 'main.lua'\n", native("a.so"));
    check(&[Text("plugin.toml", &both), Text("main.lua", "")], "wolf 1.2.3 [main.lua plugin.toml] lua:main.lua");
    let elsewhere = format!("{MANIFEST}[entry]\nnative.plan9-mips = 'a.so'\n");
    check(&[Text("plugin.toml", &elsewhere), Text("a.so", "")], "package.missing-artefact 5:8");
}

#[test]
fn links() {
    check_with(
        &[Text("lib/a.lua", "x"), Link("b.lua", "lib/a.lua")],
        "wolf 1.2.3 [b.lua lib/a.lua main.lua plugin.toml] lua:main.lua",
    );
    check_with(
        &[Text("lib/a.lua", "x"), Link("lib/b.lua", "../main.lua")],
        "wolf 1.2.3 [lib/a.lua lib/b.lua main.lua plugin.toml] lua:main.lua",
    );
    check_with(&[Text("target/a", "x"), Link("a", "target/a")], "wolf 1.2.3 [a main.lua plugin.toml] lua:main.lua");
    check_with(
        &[Link("a.lua", "b.lua"), Link("b.lua", "main.lua")],
        "wolf 1.2.3 [a.lua b.lua main.lua plugin.toml] lua:main.lua",
    );
    check_with(&[Link("a.lua", "../secret.lua")], "package.escapes");
    check_with(&[Link("a.lua", "b.lua"), Link("b.lua", "../secret.lua")], "package.escapes");
    check_with(&[Link("a", "/etc/passwd")], "package.escapes");
    check_with(&[Link("a", "/nothing/at/all")], "package.escapes");
    check_with(&[Link("a", "../nothing")], "package.escapes");
    check_with(&[Link("lib", "..")], "package.escapes");
    check_with(&[Link("a", "nothing")], "package.special-file");
    check_with(&[Link("a", "a")], "package.special-file");
    check_with(&[Link("a", ".")], "package.special-file");
    check_with(&[Text("lib/x", ""), Link("a", "lib")], "package.special-file");
    check_with(&[Link("target", "../..")], "wolf 1.2.3 [main.lua plugin.toml] lua:main.lua");
    check(&[Link("plugin.toml", "../secret.lua"), Text("main.lua", "")], "package.escapes");
    check(&[Link("plugin.toml", "gone"), Text("main.lua", "")], "package.special-file");
    check(
        &[Text("p", MANIFEST), Link("plugin.toml", "p"), Text("main.lua", "")],
        "wolf 1.2.3 [main.lua p plugin.toml] lua:main.lua",
    );
    let entry = format!("{MANIFEST}[entry]\nlua = 'target/m.lua'\n");
    check(&[Text("plugin.toml", &entry), Link("target", "..")], "package.escapes");
    let long = "a/../".repeat(100) + "main.lua";
    check_with(&[Text("a/x", ""), Link("l", &long)], "wolf 1.2.3 [a/x l main.lua plugin.toml] lua:main.lua");
    check_with(&[Text("a/x", ""), Link("l", &long), Link("m", &long)], "package.too-large");
    check(&[Text("plugin.toml", &entry), Link("target/m.lua", "../../secret.lua")], "package.escapes");
    check(&[Text("plugin.toml", &entry.replace("m.lua", "secret.lua")), Link("target", "..")], "package.escapes");
}

#[test]
fn special_files() {
    check_with(&[Pipe("a.lua")], "package.special-file");
    check_with(&[Pipe("lib/pipe")], "package.special-file");
    check_with(&[Link("zero", "/dev/zero")], "package.escapes");
    check(&[Pipe("plugin.toml"), Text("main.lua", "")], "package.special-file");
    check(&[Text("plugin.toml/x", ""), Text("main.lua", "")], "package.special-file");
    let area = tempfile::tempdir().unwrap();
    let socket = area.path().join("socket.lua");
    let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    make(area.path(), &[Pipe("pipe.lua"), Link("zero.lua", "/dev/zero"), Link("null.wasm", "/dev/null")]);
    for name in ["socket.lua", "pipe.lua", "zero.lua", "null.wasm"] {
        assert_eq!(show(Package::open(&area.path().join(name), &caps())), "package.special-file", "{name}");
    }
}

#[test]
fn caps_hold() {
    let full = 1000 - MANIFEST.len() as u64;
    check_with(&[Sparse("a", 1000)], "wolf 1.2.3 [a main.lua plugin.toml] lua:main.lua");
    check_with(&[Sparse("a", 1001)], "package.too-large");
    check_with(&[Sparse("a", 1 << 40)], "package.too-large");
    check_with(&[Sparse("a", 500), Sparse("b", full)], "wolf 1.2.3 [a b main.lua plugin.toml] lua:main.lua");
    check_with(&[Sparse("a", 500), Sparse("b", full + 1)], "package.too-large");
    check(&[Sparse("plugin.toml", 401), Text("main.lua", "")], "package.too-large");
    check_with(&[Text("a/b/c/d/e", "")], "package.too-large");
    let names: Vec<String> = (0..19).map(|n| format!("f{n:02}")).collect();
    let files: Vec<Make<'_>> = names.iter().map(|name| Text(name, "")).collect();
    check_with(&files, "package.too-large");
    let area = tempfile::tempdir().unwrap();
    make(area.path(), &[Text("plugin.toml", MANIFEST), Text("main.lua", "")]);
    make(area.path(), &files[1..]);
    assert_eq!(Package::open(area.path(), &caps()).unwrap().files().len(), 20);
    make(area.path(), &[Sparse("big.lua", 1001), Sparse("huge.lua", 1 << 40)]);
    assert_eq!(show(Package::open(&area.path().join("big.lua"), &caps())), "package.too-large");
    assert_eq!(show(Package::open(&area.path().join("huge.lua"), &Caps::default())), "package.too-large");
}

/// META and what is in it lie there themselves, as a folder and plain files.
#[test]
fn meta_is_a_folder_of_plain_files() {
    let list = Package::from_bytes("wolf.lua", b"", &caps()).unwrap().index().to_string();
    let signed = "modhost-signatures 1\n";
    let rows: [&[Make<'_>]; 19] = [
        &[Text("META", "")],
        &[Link("META", "lib"), Text("lib/files", &list)],
        &[Link("META", "/dev/zero")],
        &[Link("META", "META")],
        &[Pipe("META")],
        &[Socket("META")],
        &[Folder("META/files")],
        &[Text("META/files/files", &list)],
        &[Link("META/files", "../list"), Text("list", &list)],
        &[Link("META/files", "/dev/zero")],
        &[Pipe("META/files")],
        &[Socket("META/files")],
        &[Folder("META/signatures")],
        &[Text("META/signatures/a", signed)],
        &[Link("META/signatures", "../signed"), Text("signed", signed)],
        &[Link("META/signatures", "nothing")],
        &[Pipe("META/signatures")],
        &[Socket("META/signatures")],
        &[Folder("META/more")],
    ];
    for parts in rows {
        check_with(parts, "package.meta");
        // Without the manifest it is no plugin, whatever META is; but a plain file of that name says nothing.
        let without: Vec<_> = parts.iter().cloned().chain([Text("main.lua", "")]).collect();
        let plain = matches!(parts[0], Text("META", _));
        assert_eq!(brief_of(&without), if plain { "package.not-a-plugin" } else { "package.no-manifest" });
    }
    for parts in [&[Text("meta", "")][..], &[Text("Meta/files", &list)], &[Text("meta/x", "")]] {
        check_with(parts, "package.meta");
    }
    check_with(&[Folder("META")], "wolf 1.2.3 [main.lua plugin.toml] lua:main.lua");
}

/// How a folder of these is opened.
fn brief_of(parts: &[Make<'_>]) -> String {
    let area = tempfile::tempdir().unwrap();
    make(area.path(), parts);
    show(Package::open(area.path(), &caps()))
}

/// A folder with META and without a manifest is what is left of a package: none of its files is a plugin.
#[test]
fn what_is_left_of_a_package_is_no_plugin() {
    let script = Text("main.lua", "");
    let list = Package::from_bytes("mods.lua", b"", &caps()).unwrap().index().to_string();
    let left: [&[Make<'_>]; 6] = [
        &[script.clone(), Folder("META")],
        &[script.clone(), Text("META/files", &list)],
        &[script.clone(), Text("META/signatures", "x")],
        &[script.clone(), Text("META/readme.txt", "")],
        &[Text("META/files", &list), Text("notes.txt", "")],
        &[script.clone(), Folder("META"), Folder("plugin"), Link("plugin/toml", "nothing")],
    ];
    for parts in left {
        assert_eq!(brief_of(parts), "package.no-manifest");
        check_discover(parts, &["package.no-manifest@mods"]);
        let inner: Vec<(String, &Make<'_>)> = parts
            .iter()
            .map(|part| match part {
                Text(name, _) | Link(name, _) | Folder(name) => (format!("mods/{name}"), part),
                _ => unreachable!(),
            })
            .collect();
        let mut within: Vec<Make<'_>> = inner
            .iter()
            .map(|(name, part)| match part {
                Text(_, text) => Text(name, text),
                Link(_, target) => Link(name, target),
                _ => Folder(name),
            })
            .collect();
        within.push(Text("a.lua", ""));
        check_discover(&within, &["a 0.0.0", "package.no-manifest@mods"]);
    }
    // Where the letters do not matter this is META, too.
    check_discover(&[script.clone(), Text("Meta/files", &list)], &["package.no-manifest@mods"]);
    check_discover(&[script.clone(), Link("META", "nothing")], &["package.no-manifest@mods"]);
    check_discover(&[script.clone(), Pipe("META")], &["package.no-manifest@mods"]);
    // Plugins and files that only have the name.
    let named = "[plugin]\nid = 'meta'\nversion = '1.0.0'\n";
    check_discover(
        &[script.clone(), Text("META/plugin.toml", named), Text("META/main.lua", "")],
        &["main 0.0.0", "meta 1.0.0"],
    );
    check_discover(
        &[script.clone(), Text("meta/plugin.toml", named), Text("meta/main.lua", "")],
        &["main 0.0.0", "meta 1.0.0"],
    );
    check_discover(&[script.clone(), Text("META", "of the game")], &["main 0.0.0"]);
    check_discover(&[script, Text("meta/readme.txt", "")], &["main 0.0.0"]);
}

/// What has no room on the shelf is read again, and is what it was.
#[test]
fn what_was_read_again_is_what_was_listed() {
    type Change = fn(&Path);
    let rows: [(&str, Change, &str); 9] = [
        ("nothing", |_| (), "ok"),
        ("the script", |at| fs::write(at.join("b/main.lua"), "x".repeat(600)).unwrap(), "package.changed"),
        ("a byte more", |at| fs::write(at.join("b/main.lua"), "-".repeat(601)).unwrap(), "package.changed"),
        ("too much", |at| fs::write(at.join("b/main.lua"), "-".repeat(1001)).unwrap(), "package.changed"),
        ("a file more", |at| fs::write(at.join("b/more"), "").unwrap(), "package.changed"),
        ("a file less", |at| fs::remove_file(at.join("b/plugin.toml")).unwrap(), "package.changed"),
        ("a pipe", |at| make(&at.join("b"), &[Pipe("pipe")]), "package.changed"),
        (
            "a link to the folder",
            |at| {
                fs::rename(at.join("b"), at.join("real")).unwrap();
                symlink("real", at.join("b")).unwrap();
            },
            "package.changed",
        ),
        ("all of it", |at| fs::remove_dir_all(at.join("b")).unwrap(), "io.not-found"),
    ];
    for (what, change, expected) in rows {
        let area = tempfile::tempdir().unwrap();
        let script = "-".repeat(600);
        let manifest = |id: &str| format!("[plugin]\nid = '{id}'\nversion = '1.0.0'\n");
        for id in ["a", "b", "c"] {
            make(&area.path().join(id), &[Text("plugin.toml", &manifest(id)), Text("main.lua", &script)]);
        }
        // Two fit on the shelf: b and c go as the third comes, and c is left alone.
        let caps = Caps { total: 1000, ..caps() };
        let found = discover(area.path(), &caps).unwrap();
        change(area.path());
        let shown: Vec<String> = found.map(|one| one.map_or_else(|error| brief(&error), |_| "ok".into())).collect();
        assert_eq!(shown, ["ok", expected, "ok"], "{what}");
    }
}

#[test]
fn depth_is_cut_off() {
    let area = tempfile::tempdir().unwrap();
    make(area.path(), &[Text("plugin.toml", MANIFEST), Text("main.lua", "")]);
    let mut path = area.path().to_owned();
    for _ in 0..200 {
        path.push("d");
        mkdirat(CWD, &path, Mode::RWXU).unwrap();
    }
    assert_eq!(show(Package::open(area.path(), &Caps::default())), "package.too-large");
}

#[test]
fn names() {
    for name in ["NUL", "aux.lua", "com1.txt", "a\\b", "a:b", "trailing.", "trailing ", "a\nb", "a?"] {
        check_with(&[Text(name, "")], "package.name");
        check_with(&[Text(&format!("lib/{name}"), "")], "package.name");
        check_with(&[Text(&format!("{name}/x"), "")], "package.name");
    }
    check_with(&[Raw(b"w\xf6lf.lua")], "package.name");
    check_with(&[Text("Readme", ""), Text("readme", "")], "package.name");
    check_with(&[Text("\u{c4}", ""), Text("\u{e4}", "")], "package.name");
    check_with(&[Text("Lib/a", ""), Text("lib/b", "")], "package.name");
    check_with(&[Text("MAIN.LUA", "")], "package.name");
    check_with(&[Text("a/x", ""), Text("b/X", "")], "wolf 1.2.3 [a/x b/X main.lua plugin.toml] lua:main.lua");
}

#[test]
fn single_files() {
    let area = tempfile::tempdir().unwrap();
    let root = area.path();
    make(root, &[Text("notes.txt", ""), Text("lua", ""), Text("plugin.toml", MANIFEST), Text("real/x.lua", "x")]);
    let rows = [
        ("wolf.lua", "wolf 0.0.0 [wolf.lua] lua:wolf.lua"),
        ("Wolf Pack.LUAU", "wolf-pack 0.0.0 [Wolf Pack.LUAU] lua:Wolf Pack.LUAU"),
        ("acme.wolf.rhai", "acme-wolf 0.0.0 [acme.wolf.rhai] rhai:acme.wolf.rhai"),
        ("w.wasm", "w 0.0.0 [w.wasm] wasm:w.wasm"),
        ("w.wat", "w 0.0.0 [w.wat] wasm:w.wat:text"),
        ("libw.so", "libw 0.0.0 [libw.so] native:libw.so"),
        ("w.dll", "w 0.0.0 [w.dll] native:w.dll"),
        ("w.dylib", "w 0.0.0 [w.dylib] native:w.dylib"),
        ("__.lua", "plugin 0.0.0 [__.lua] lua:__.lua"),
        ("a:b.lua", "package.name"),
        ("nul.lua", "package.name"),
    ];
    for (name, expected) in rows {
        make(root, &[Text(name, "x")]);
        assert_eq!(show(Package::open(&root.join(name), &caps())), expected);
        assert_eq!(show(Package::from_bytes(name, b"x", &caps())), expected);
    }
    for (name, expected) in [
        ("notes.txt", "package.not-a-plugin"),
        ("lua", "package.not-a-plugin"),
        ("plugin.toml", "package.not-a-plugin"),
        ("gone.lua", "io.not-found"),
        ("wolf.lua/x", "io.not-found"),
    ] {
        assert_eq!(show(Package::open(&root.join(name), &caps())), expected, "{name}");
    }
    let big = Package::from_bytes("a.lua", &[0; 1001], &caps());
    assert_eq!(show(big), "package.too-large");
    assert_eq!(show(Package::from_bytes("../a.lua", b"", &caps())), "package.name");
    // What the user names himself may be a link, and may leave the folder that it is in.
    symlink(root.join("real"), root.join("alias")).unwrap();
    symlink(root.join("real/x.lua"), root.join("alias/y.lua")).unwrap();
    assert_eq!(show(Package::open(&root.join("alias/y.lua"), &caps())), "y 0.0.0 [y.lua] lua:y.lua");
}

/// An entry of a folder of plugins that became a link, or lies behind one, since it was looked at.
#[test]
fn what_became_a_link_is_not_opened() {
    let area = tempfile::tempdir().unwrap();
    let area = area.path().canonicalize().unwrap();
    let root = area.join("mods");
    make(&area, &[Text("out/plugin.toml", MANIFEST), Text("out/main.lua", ""), Text("out.lua", "")]);
    make(&root, &[Text("in.lua", ""), Text("in/plugin.toml", MANIFEST), Text("in/main.lua", ""), Pipe("pipe")]);
    make(&root, &[Link("a.lua", "../out.lua"), Link("b", "../out"), Link("c", "..")]);
    for (parts, expected) in [
        (&["in.lua"][..], "found"),
        (&["in"], "found"),
        (&["in", "main.lua"], "found"),
        (&["a.lua"], "package.special-file"),
        (&["b"], "package.special-file"),
        (&["b", "main.lua"], "io."),
        (&["c", "out.lua"], "io."),
        (&["pipe"], "package.special-file"),
        (&["gone"], "io.not-found"),
    ] {
        let names: Vec<_> = parts.iter().map(Into::into).collect();
        let code = find(&root, &names, "it", &caps()).map_or_else(|error| brief(&error), |_| "found".into());
        assert!(code.starts_with(expected), "{parts:?}: {code}");
    }
}

/// Discovers in a folder of these parts; `error@plugin` for what could not be read.
#[track_caller]
fn check_discover(parts: &[Make<'_>], expected: &[&str]) {
    let area = tempfile::tempdir().unwrap();
    let mods = area.path().join("mods");
    make(area.path(), &[Text("outside/plugin.toml", MANIFEST), Text("outside/main.lua", "")]);
    make(&mods, parts);
    let found = match discover(&mods, &caps()) {
        Err(error) => vec![format!("all: {}", brief(&error))],
        Ok(plugins) => plugins
            .into_iter()
            .map(|plugin| match plugin {
                Ok(package) => {
                    assert!(package.source().starts_with(&mods));
                    format!("{} {}", package.id(), package.version())
                }
                Err(error) => format!("{}@{}", error.code(), error.plugin().unwrap_or("nobody")),
            })
            .collect(),
    };
    assert_eq!(found, expected);
}

#[test]
fn folders_of_plugins() {
    let named = |id: &str, version: &str| format!("[plugin]\nid = '{id}'\nversion = '{version}'\n");
    check_discover(&[], &["all: package.not-a-plugin"]);
    check_discover(&[Text("readme.txt", ""), Text("empty/readme.txt", "")], &["all: package.not-a-plugin"]);
    check_discover(&[Text("plugin.toml", MANIFEST), Text("main.lua", "")], &["wolf 1.2.3"]);
    check_discover(&[Text("plugin.toml", MANIFEST)], &["manifest.missing-key@wolf"]);
    let (late, early) = (named("hawk", "10.0.0"), named("hawk", "9.0.0"));
    check_discover(
        &[
            Text("z.lua", ""),
            Text("a/plugin.toml", &late),
            Text("a/main.lua", ""),
            Text("b/plugin.toml", &early),
            Text("b/main.rhai", ""),
            Text("crow/plugin.toml", "wolf"),
            Text("forgot/main.lua", ""),
            Text("notes/readme.md", ""),
            Text("notes.txt", ""),
            Text(".hidden.lua", ""),
            Text(".git/plugin.toml", ""),
            Text("target/x.lua", ""),
            Pipe("pipe.lua"),
            Pipe("pipe"),
            Sparse("huge.wasm", 1 << 40),
        ],
        &[
            "manifest.syntax@crow",
            "package.not-a-plugin@forgot",
            "hawk 9.0.0",
            "hawk 10.0.0",
            "package.too-large@huge.wasm",
            "package.special-file@pipe.lua",
            "z 0.0.0",
        ],
    );
    check_discover(&[Link("out", "../outside"), Text("a.lua", "")], &["a 0.0.0", "package.escapes@out"]);
    check_discover(&[Link("out.lua", "../outside/main.lua")], &["package.escapes@out.lua"]);
    check_discover(&[Link("gone.lua", "gone")], &["package.escapes@gone.lua"]);
    check_discover(&[Link("loop", "."), Text("a.lua", "")], &["a 0.0.0", "package.escapes@loop"]);
    check_discover(&[Text("a.lua", ""), Link("b.lua", "a.lua")], &["a 0.0.0", "b 0.0.0"]);
    // Of what fits alone, only so much fits together; what is small enough still does.
    let thousand = "-".repeat(1000);
    let names: Vec<String> = (0..6).map(|n| format!("f{n}.lua")).collect();
    let mut files: Vec<Make<'_>> = names.iter().map(|name| Text(name, &thousand)).collect();
    files.extend([Text("b.lua", "--"), Text("g.lua", ""), Text("h/plugin.toml", MANIFEST), Text("h/main.lua", "")]);
    check_discover(
        &files,
        &[
            "b 0.0.0",
            "f0 0.0.0",
            "f1 0.0.0",
            "f2 0.0.0",
            "package.too-large@f3.lua",
            "package.too-large@f4.lua",
            "package.too-large@f5.lua",
            "g 0.0.0",
            "wolf 1.2.3",
        ],
    );
    let names: Vec<String> = (0..21).map(|n| format!("f{n}.lua")).collect();
    let files: Vec<Make<'_>> = names.iter().map(|name| Text(name, "")).collect();
    check_discover(&files, &["all: package.too-large"]);
    assert_eq!(discover(&PathBuf::from("no/such/folder"), &caps()).unwrap_err().code(), Code::IoNotFound);
}

#[test]
fn errors_teach() {
    let area = tempfile::tempdir().unwrap();
    let toml = format!("{MANIFEST}[entry]\nnative = 'libw.so'\n");
    make(area.path(), &[Text("plugin.toml", &toml)]);
    let error = Package::open(area.path(), &caps()).unwrap_err();
    assert!(error.help().contains("cargo build --release"), "{}", error.help());
    assert_eq!(error.plugin(), Some("wolf"));
    make(area.path(), &[Text("libw.so", "")]);
    let package = Package::open(area.path(), &caps()).unwrap();
    assert_eq!(package.manifest().unwrap().id.as_str(), "wolf");
    fs::remove_file(area.path().join("libw.so")).unwrap();
    assert_eq!(package.files().get("plugin.toml").unwrap().as_ref(), toml.as_bytes(), "read once, kept");
    let both =
        format!("{MANIFEST}[entry]\nlua = 'main.lua'\nnative.plan9-mips = 'x'\nnative.{OS}-{ARCH} = 'y.so'\n[state]\n");
    make(area.path(), &[Text("plugin.toml", &both), Text("main.lua", ""), Text("target/x", "")]);
    let package = Package::open(area.path(), &caps()).unwrap();
    assert_eq!(package.notes().len(), 3, "{:?}", package.notes());
    let foreign = format!("{MANIFEST}[entry]\nlua = 'main.lua'\nnative.plan9-mips = 'x'\n");
    make(area.path(), &[Text("plugin.toml", &foreign)]);
    let notes = Package::open(area.path(), &caps()).unwrap().notes().to_vec();
    assert!(notes.iter().any(|note| note.contains("only for plan9-mips")), "{notes:?}");
    let error = Package::open(&area.path().join("plugin.toml"), &caps()).unwrap_err();
    assert_eq!(error.help(), "Name the folder instead of its plugin.toml.");
}
