//! What lies on the disk is exchanged: while a package is opened, between its opening and its loading, while it runs. What was opened is
//! loaded, and nothing else; what lies there afterwards is judged anew.

use std::{env, fs};

use modhost::verify::{Envelope, sign_index};

use crate::{
    build::index,
    play::host_store,
    table::Attack,
    world::{World, key, options},
};

const SIGNED: &str = "base = \"mods\"\nrequire_trusted_signer = true\n";

/// The package with another script, and the signatures of the good one.
fn evil() -> World {
    let mut evil = World::new();
    evil.source = "function howl() return 'moo' end\n".into();
    evil.index = evil.listed();
    evil
}

/// The package is opened and vetted, then `change` happens, then it is loaded as it was opened; afterwards what lies there gets `code`.
fn between(name: &str, code: &str, change: &[&str]) -> Attack {
    let last = format!("load p.modpkg -> {code}");
    let steps = [
        &["discover p.modpkg -> ok"],
        change,
        &["finish -> verified", "call acme.wolf -> awoo", "unload acme.wolf", &*last],
    ]
    .concat();
    Attack::new("toctou", name, code, &steps).with("p.modpkg", World::new().packed())
}

/// The same for a folder that it was unpacked to.
fn unpacked(name: &str, code: &str, change: &[&str]) -> Attack {
    let good = World::new();
    let last = format!("load p -> {code}");
    let steps =
        [&["discover p -> ok"], change, &["finish -> verified", "call acme.wolf -> awoo", "unload acme.wolf", &*last]]
            .concat();
    let [(main, script), (manifest, text)] = good.files();
    Attack::new("toctou", name, code, &steps)
        .with(&format!("p/{main}"), script)
        .with(&format!("p/{manifest}"), text)
        .with("p/META/files", good.index.clone())
        .with("p/META/signatures", good.envelope.clone().unwrap())
}

/// A folder of plugins with the same unpacked folder and another plugin, beside which there is no room for it: its contents are not in
/// memory any more when it is loaded. What lies there then is loaded if it is what was judged.
fn shelved(name: &str, outcome: &str, change: &[&str]) -> Attack {
    let good = World::new();
    let envelope = good.envelope.clone().unwrap();
    let files: usize = good.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let total = files + good.index.len() + envelope.len();
    let last = format!("finish -> {outcome}");
    let steps = [&["discover mods -> ok"], change, &[&*last]].concat();
    let [(main, script), (manifest, text)] = good.files();
    Attack::new("toctou", name, outcome, &steps)
        .with("mods/a.lua", "this is no script")
        .with(&format!("mods/p/{main}"), script)
        .with(&format!("mods/p/{manifest}"), text)
        .with("mods/p/META/files", good.index.clone())
        .with("mods/p/META/signatures", envelope)
        .with("policy.toml", format!("base = \"mods\"\n[caps]\ntotal = {total}\n"))
}

/// The same of a package, for whose list and signatures there is no room beside its files.
fn shelved_package(name: &str, outcome: &str, change: &[&str]) -> Attack {
    let good = World::new();
    let total: usize = good.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let last = format!("finish -> {outcome}");
    let steps = [&["discover p.modpkg -> ok"], change, &[&*last]].concat();
    Attack::new("toctou", name, outcome, &steps)
        .with("p.modpkg", good.packed())
        .with("policy.toml", format!("base = \"mods\"\n[caps]\ntotal = {total}\n"))
}

/// A native library, which cargo puts beside the test programs, or one folder up.
fn library() -> Vec<u8> {
    let name = format!("{}modhost_native_guest{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let program = env::current_exe().unwrap();
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    fs::read(found.unwrap_or_else(|| panic!("{name} is not beside {}", program.display()))).unwrap()
}

/// A folder of a native plugin by a pinned vendor, whose library is exchanged. All of it is made when it is played: what cargo builds is
/// not the same everywhere.
fn native(name: &str, steps: &[&str]) -> Attack {
    let library = library();
    let target = format!("{}-{}", env::consts::OS, env::consts::ARCH);
    let manifest = format!(
        "[plugin]\nid = \"acme.sim\"\nversion = \"1.0.0\"\n[entry]\nnative.{target} = \"p.so\"\n[requires]\ntest = \"*\"\n"
    );
    let list = index("acme.sim", "1.0.0", &[("p.so", &library), ("plugin.toml", manifest.as_bytes())]);
    let envelope = Envelope::of(sign_index(list.as_bytes(), &key(1), options("Acme")).unwrap()).to_string();
    let mut store = host_store();
    store.pin("acme", key(1).public().id()).unwrap();
    // Whoever loads this, once it is where the library was, has lost.
    let mut evil = library.clone();
    evil.truncate(evil.len() / 2);
    let steps = [&["store trust.toml -> ok"], steps, &["load p -> package.file-changed"]].concat();
    Attack::new("toctou", name, "package.file-changed", &steps)
        .with("trust.toml", store.to_string())
        .with("policy.toml", "base = \"mods\"\nvendors = [\"acme\"]\n")
        .made("p/p.so", library)
        .made("p/plugin.toml", manifest)
        .made("p/META/files", list)
        .made("p/META/signatures", envelope)
        .made("evil.so", evil)
}

pub(crate) fn attacks() -> Vec<Attack> {
    let evil_script = "function howl() return 'moo' end\n";
    vec![
        between("another package renamed over it", "verify.bad-signature", &["rename evil.modpkg p.modpkg"])
            .with("evil.modpkg", evil().packed()),
        between("another package written into it", "verify.bad-signature", &["copy evil.modpkg p.modpkg"])
            .with("evil.modpkg", evil().packed()),
        between("a link to an unsigned package in its place", "denied.trust", &["link evil.modpkg p.modpkg"])
            .with("evil.modpkg", World::of("acme.wolf", "1.0.0", evil_script, &[]).packed())
            .with("policy.toml", SIGNED),
        between(
            "a hard link to a package of a stranger in its place",
            "verify.unknown-signer",
            &["hard evil.modpkg p.modpkg"],
        )
        .with("evil.modpkg", World::of("acme.wolf", "1.0.0", evil_script, &[9]).packed())
        .with("policy.toml", SIGNED),
        between("a pipe in its place", "package.special-file", &["pipe p.modpkg"]),
        between("a link to a pipe in its place", "package.special-file", &["pipe other", "link other p.modpkg"]),
        between("a device in its place", "package.special-file", &["link /dev/zero p.modpkg"]),
        between("a link to itself in its place", "io.failed", &["link p.modpkg p.modpkg"]),
        between("an empty folder in its place", "package.not-a-plugin", &["folder p.modpkg"]),
        between("an unsigned folder in its place", "denied.trust", &["remove p.modpkg", "rename evil p.modpkg"])
            .with("evil/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n")
            .with("evil/main.lua", evil_script)
            .with("policy.toml", SIGNED),
        between("it is gone", "io.not-found", &["remove p.modpkg"]),
        between("it grew beyond every cap", "package.too-large", &["grow p.modpkg 8589934592"]),
        between("it grew by a few bytes", "package.archive", &["grow p.modpkg 40"]),
        between("it was cut short", "package.archive", &["cut p.modpkg 100"]),
        unpacked("a script of the folder is another", "package.file-changed", &["copy evil.lua p/main.lua"])
            .with("evil.lua", evil_script),
        unpacked("a script of the folder is a link out of it", "package.escapes", &["link ../evil.lua p/main.lua"])
            .with("evil.lua", evil_script),
        unpacked(
            "a script of the folder is a link to the host's store",
            "package.escapes",
            &["link ../host.toml p/main.lua"],
        )
        .like("toctou-a-script-of-the-folder-is-a-link-out-of-it"),
        unpacked(
            "a script of the folder is a hard link to another file",
            "package.file-changed",
            &["hard evil.lua p/main.lua"],
        )
        .with("evil.lua", evil_script),
        unpacked("a script of the folder is a pipe", "package.special-file", &["pipe p/main.lua"]),
        unpacked("a script of the folder is a device", "package.escapes", &["link /dev/zero p/main.lua"]),
        unpacked("a script of the folder is a folder", "package.special-file", &["folder p/main.lua"]),
        unpacked("a script of the folder links to itself", "package.special-file", &["link main.lua p/main.lua"]),
        unpacked(
            "a script of the folder is a link to the list of files",
            "package.file-changed",
            &["link META/files p/main.lua"],
        ),
        unpacked("a script of the folder grew", "package.too-large", &["grow p/main.lua 8589934592"]),
        unpacked("the manifest of the folder is another", "package.file-changed", &["copy evil.toml p/plugin.toml"])
            .with("evil.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\ndescription = \"the same\"\n"),
        unpacked("a file was put into the folder", "package.file-extra", &["copy evil.lua p/evil.lua"])
            .with("evil.lua", evil_script),
        unpacked("the list of the folder is another's", "package.file-changed", &["copy list p/META/files"])
            .with("list", evil().index),
        unpacked(
            "script and list of the folder are another's",
            "verify.bad-signature",
            &["copy list p/META/files", "copy evil.lua p/main.lua"],
        )
        .with("list", evil().index)
        .with("evil.lua", evil_script),
        unpacked("the list of the folder is gone", "package.meta", &["remove p/META/files"]),
        unpacked("the signatures of the folder are gone", "denied.trust", &["remove p/META/signatures"])
            .with("policy.toml", SIGNED),
        unpacked("the list of the folder is a pipe", "package.meta", &["remove p/META/files", "pipe p/META/files"]),
        unpacked("the signatures of the folder are a folder", "package.meta", &["folder p/META/signatures"]),
        unpacked("the signatures of the folder are a pipe", "package.meta", &["pipe p/META/signatures"]),
        unpacked("the signatures of the folder are a device", "package.meta", &["link /dev/zero p/META/signatures"])
            .like("toctou-the-signatures-of-the-folder-are-a-link"),
        unpacked("the signatures of the folder are a link", "package.meta", &["link ../../signed p/META/signatures"])
            .with("signed", World::new().envelope.unwrap()),
        unpacked("the manifest of the folder is gone", "package.no-manifest", &["remove p/plugin.toml"]),
        Attack::new(
            "manifest",
            "a signed folder without its manifest, whose script would be a plugin of its own",
            "package.no-manifest",
            &["mods p -> package.no-manifest", "mods . -> package.no-manifest"],
        )
        .with("p/main.lua", evil_script)
        .with("p/META/files", World::new().index)
        .with("p/META/signatures", World::new().envelope.unwrap()),
        shelved("read again as it was judged", "verified", &[]),
        shelved("another script when it is read again", "package.changed", &["copy evil.lua mods/p/main.lua"])
            .with("evil.lua", evil_script),
        shelved(
            "another list and script when it is read again",
            "package.changed",
            &["copy evil.lua mods/p/main.lua", "copy list mods/p/META/files"],
        )
        .with("evil.lua", evil_script)
        .with("list", evil().index),
        shelved("a file more when it is read again", "package.changed", &["copy evil.lua mods/p/more.lua"])
            .with("evil.lua", evil_script),
        shelved("a script that is a pipe when it is read again", "package.changed", &["pipe mods/p/main.lua"]),
        shelved(
            "a script that never ends when it is read again",
            "package.changed",
            &["link /dev/zero mods/p/main.lua"],
        ),
        shelved("other signatures when it is read again", "verified", &["remove mods/p/META/signatures"]),
        shelved_package("another package when it is read again", "package.changed", &["rename evil.modpkg p.modpkg"])
            .with("evil.modpkg", evil().packed()),
        shelved_package(
            "an unsigned package when it is read again",
            "package.changed",
            &["rename evil.modpkg p.modpkg"],
        )
        .with("evil.modpkg", World::of("acme.wolf", "1.0.0", evil_script, &[]).packed()),
        shelved_package("a package that grew when it is read again", "package.changed", &["grow p.modpkg 8589934592"]),
        shelved_package("a package that is a pipe when it is read again", "package.changed", &["pipe p.modpkg"]),
        shelved_package("a package that is gone when it is read again", "io.not-found", &["remove p.modpkg"]),
        unpacked("the folder is full of links on long ways", "package.too-large", &["maze p 60 -"]),
        Attack::new(
            "toctou",
            "a folder of plugins is full of links on long ways",
            "package.escapes",
            &["maze mods 200 .lua", "mods mods -> package.escapes"],
        )
        .with("mods/main.lua", evil_script),
        native(
            "another library renamed over the one that was opened",
            &["discover p -> ok", "rename evil.so p/p.so", "finish -> trusted", "unload acme.sim"],
        ),
        native(
            "another library written into the one that runs",
            &["load p -> trusted", "copy evil.so p/p.so", "unload acme.sim"],
        ),
        Attack::new(
            "toctou",
            "a folder without a manifest is full of links on long ways",
            "package.not-a-plugin",
            &["maze mods/x 1000 .lua", "mods mods -> package.not-a-plugin"],
        ),
        Attack::new(
            "namespace",
            "a package of the same name and version that nobody signed, before the signed one in the folder",
            "package.duplicate",
            &["mods mods -> package.duplicate", "call acme.wolf -> awoo"],
        )
        .with("mods/a.modpkg", World::of("acme.wolf", "1.0.0", evil_script, &[]).packed())
        .with("mods/b.modpkg", World::of("acme.wolf", "1.0.0", evil_script, &[9]).packed())
        .with("mods/m.modpkg", World::new().packed()),
        unpacked(
            "the list of the folder names more files than there may be",
            "package.too-large",
            &["copy list p/META/files"],
        )
        .with("list", crate::archives::long_list("acme.wolf", "1.0.0")),
        unpacked("META of the folder is a link out of it", "package.meta", &["remove p/META", "link ../meta p/META"])
            .with("meta/files", World::new().index),
    ]
}
