//! A race on a real disk: while one thread exchanges a package for another and back, as fast as it can, others load it. Whatever is
//! loaded as verified is the package that was signed, and whatever is refused is refused for what it is.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use modhost::{Engine, TrustLevel};

use crate::world::{World, area};

#[test]
fn whoever_exchanges_a_package_while_it_is_loaded_gets_nothing_in() {
    let good = World::new();
    let mut evil = good.clone();
    evil.source = "function howl() return 'moo' end\n".into();
    evil.index = evil.listed();
    // The same, with the good one's list; and one that nobody signed.
    let mut listed = evil.clone();
    listed.index.clone_from(&good.index);
    let mut unsigned = evil.clone();
    unsigned.envelope = None;
    let area = area();
    let packages: Vec<Vec<u8>> = [&good, &evil, &good, &listed, &good, &unsigned].map(World::packed).into();
    let (path, fresh) = (area.path().join("p.modpkg"), area.path().join("fresh"));
    fs::write(&path, &packages[0]).unwrap();
    let engine = Engine::builder().trust_store(good.store.clone()).build().unwrap();
    let done = AtomicBool::new(false);
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (round, bytes) in packages.iter().cycle().enumerate() {
                if round % 2 == 0 {
                    fs::write(&fresh, bytes).unwrap();
                    fs::rename(&fresh, &path).unwrap();
                } else {
                    // In place: a reader may see half of it.
                    fs::write(&path, bytes).unwrap();
                }
                if done.load(Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..300 {
            let outcome = match engine.load_path(&path) {
                Ok(plugin) => {
                    let trust = engine.plugins()[0].trust;
                    let howl: String = engine.call(&mut (), plugin, "howl", ()).unwrap();
                    engine.unload(plugin).unwrap();
                    assert_eq!(howl == "awoo", trust == TrustLevel::Verified, "{howl} is {trust}");
                    trust.to_string()
                }
                Err(error) => error.code().to_string(),
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
        done.store(true, Relaxed);
    });
    let known = |code: &String| {
        ["verified", "untrusted", "verify.bad-signature", "package.file-changed", "package.archive", "package.damaged"]
            .contains(&code.as_str())
    };
    assert!(outcomes.keys().all(known), "{outcomes:?}");
    crate::tally::say(&format!("vetting: 300 loads in a race: {outcomes:?}"));
}
