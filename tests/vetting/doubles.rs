//! Several packages that say they are the same version of one plugin: which is taken is no matter of a file's name, and what is refused
//! or ruled out by a lockfile takes nobody's place. Loading and looking say the same.

use std::fs;

use modhost::{
    Engine, ManualClock, Policy,
    package::{Caps, Package},
    resolve::Lockfile,
    verify::TrustStore,
};

use crate::world::{World, area, trusted};

/// Files, `folder/name: version who`, where who signed it or is `-`; the policy; which of them a lockfile holds, if there is one; what is
/// loaded: `name trust`.
type Row<'a> = (&'a [&'a str], Policy, Option<&'a str>, &'a str);

#[track_caller]
fn check((files, policy, held, expected): Row<'_>) {
    let name = format!("{files:?} under {}, held {held:?}", policy.name);
    let area = area();
    let mut store = TrustStore::default();
    store.add_key(trusted(1, "acme.*")).unwrap();
    let clock = std::sync::Arc::new(ManualClock::default());
    let engine = Engine::builder().policy(policy).trust_store(store).clock(clock).build().unwrap();
    let mut folders: Vec<&str> = Vec::new();
    for file in files {
        let (path, words) = file.split_once(": ").unwrap();
        let (version, signed) = words.split_once(' ').unwrap();
        let (folder, stem) = path.split_once('/').unwrap();
        let seeds: Vec<u8> = signed.parse().into_iter().collect();
        let source = format!("function who() return '{stem}' end");
        fs::create_dir_all(area.path().join(folder)).unwrap();
        fs::write(
            area.path().join(path).with_extension("modpkg"),
            World::of("acme.wolf", version, &source, &seeds).packed(),
        )
        .unwrap();
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let lock = held.map(|path| {
        let package = Package::open(&area.path().join(path).with_extension("modpkg"), &Caps::default()).unwrap();
        Lockfile::of(&engine.resolver(&[package]).plan())
    });
    // One folder, without a lockfile, is examined alike.
    if let ([folder], None) = (&folders[..], &lock) {
        let examined: Vec<_> =
            engine.examine_dir(area.path().join(folder)).unwrap().into_iter().map(Result::unwrap).collect();
        let taken: Vec<_> = examined.iter().filter(|one| one.trust.is_some()).map(|one| one.package.clone()).collect();
        let plan = engine.resolver(&taken).plan();
        let who = plan
            .order
            .first()
            .map(|chosen| &examined.iter().find(|one| Some(one.package.digest()) == chosen.digest).unwrap().package);
        let who = who.map(|package| package.source().file_stem().unwrap().to_str().unwrap().to_owned());
        assert_eq!(who.as_deref(), expected.split_once(' ').map(|(who, _)| who), "{name}: examined");
    }
    let loading = folders.iter().fold(engine.loading(), |loading, folder| loading.dir(area.path().join(folder)));
    let loading = lock.iter().fold(loading, |loading, lock| loading.hold_to(lock.clone()));
    let mods = loading.load().unwrap();
    let loaded = match mods.loaded.first() {
        Some(one) => {
            let who: String = engine.call(&mut (), one.plugin, "who", ()).unwrap();
            format!("{who} {}", one.trust)
        }
        None => mods.refused[0].error.code().to_string(),
    };
    assert_eq!(loaded, expected, "{name}");
}

#[test]
fn which_of_several_is_taken_is_no_matter_of_names() {
    let rows: [Row<'_>; 11] = [
        (&["m/a: 1.0.0 -", "m/b: 1.0.0 1"], Policy::mods(), None, "b verified"),
        (&["m/a: 1.0.0 1", "m/b: 1.0.0 -"], Policy::mods(), None, "a verified"),
        (&["m/a: 1.0.0 9", "m/b: 1.0.0 -", "m/c: 1.0.0 1"], Policy::standard(), None, "c verified"),
        // What is refused shuts nobody out.
        (&["m/a: 1.0.0 -", "n/b: 1.0.0 1"], Policy::standard(), None, "b verified"),
        // The host's order of folders counts before trust.
        (&["m/a: 1.0.0 -", "n/b: 1.0.0 1"], Policy::mods(), None, "a untrusted"),
        // What a lockfile holds is taken.
        (&["m/a: 1.0.0 -", "n/b: 1.0.0 1"], Policy::mods(), Some("n/b"), "b verified"),
        (&["m/a: 1.0.0 1", "m/b: 1.0.0 -"], Policy::mods(), Some("m/b"), "b untrusted"),
        (&["m/a: 1.0.0 1", "m/b: 1.0.0+x -"], Policy::mods(), Some("m/a"), "a verified"),
        (&["m/a: 1.0.0 1", "m/b: 9.0.0 -"], Policy::mods(), Some("m/a"), "a verified"),
        // Without one these have no order.
        (&["m/a: 1.0.0 1", "m/b: 1.0.0+x -"], Policy::mods(), None, "package.same-version"),
        (&["m/a: 1.0.0 -", "m/b: 1.0.0 -"], Policy::mods(), None, "a untrusted"),
    ];
    rows.into_iter().for_each(check);
}
