//! Folders of Lua plugins described by a few words each, an engine to which they report, and what became of loading in one line. It
//! asserts nothing.

// Each test file uses a part.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use modhost::{Engine, Mods, Policy, resolve::Mode};
use tempfile::TempDir;

/// Words about a plugin, and what its main chunk does.
pub type Row<'a> = (&'a str, &'a str);

/// Plugins of one folder, each `id version needs` (`wolf 1.0.0 forest=^1,moon`; a needed plugin without `=` in any version, one with `~`
/// before it without order, one with `?` optional) and what its main chunk does.
pub fn plugins(rows: &[Row<'_>]) -> TempDir {
    let mut files = Vec::new();
    for (number, (words, source)) in rows.iter().enumerate() {
        let mut words = words.split(' ');
        let (id, version) = (words.next().unwrap(), words.next().unwrap_or("1.0.0"));
        let needs: String = words
            .next()
            .into_iter()
            .flat_map(|needs| needs.split(','))
            .map(|need| {
                let (id, range) = need.split_once('=').unwrap_or((need, "*"));
                let (plain, rest) = match id.chars().next() {
                    Some('~') => (&id[1..], ", order = false"),
                    Some('?') => (&id[1..], ", optional = true"),
                    _ => (id, ""),
                };
                format!("{plain} = {{ version = \"{range}\"{rest} }}\n")
            })
            .collect();
        let manifest = format!(
            "[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n[requires]\ngame = \"*\"\n[dependencies]\n{needs}"
        );
        files.push((format!("{number:04}/plugin.toml"), manifest));
        files.push((format!("{number:04}/main.lua"), (*source).to_owned()));
    }
    let area = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = area.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    area
}

/// Time enough for it on a busy machine.
pub fn policy(mode: Mode) -> Policy {
    let mut policy = Policy::mods();
    policy.untrusted.limits.deadline = Duration::from_secs(3600);
    policy.resolve.mode = mode;
    policy
}

/// An engine to which plugins report: `game.note`.
pub fn engine(policy: Policy) -> (Engine, Arc<Mutex<Vec<String>>>) {
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let own = notes.clone();
    let engine = Engine::builder()
        .policy(policy)
        .function("game.note", move |text: String| own.lock().unwrap().push(text))
        .build()
        .unwrap();
    (engine, notes)
}

/// What became of it: what was loaded, in order, then `-id code` for what was refused, `<id` for what was shadowed, `/id` for what is
/// switched off.
pub fn told(mods: &Mods) -> String {
    let loaded = mods.loaded.iter().map(|one| format!("{} {}", one.name, one.version));
    let refused = mods.refused.iter().map(|out| {
        let sake = if out.sake.is_empty() { String::new() } else { format!(" for {}", out.sake.join("+")) };
        format!("-{} {}{sake}", out.name, out.error.code())
    });
    let shadowed = mods.shadowed.iter().map(|one| format!("<{} {}", one.name, one.version));
    let disabled = mods.disabled.iter().map(|id| format!("/{id}"));
    loaded.chain(refused).chain(shadowed).chain(disabled).collect::<Vec<_>>().join(", ")
}
