//! What lies on disk: trust stores with their generations, locks and seals, what was seen, private keys; and verdicts that are kept.

use std::{env, fs, fs::File, path::Path, process::Command, sync::Arc, thread, time::Duration};

use modhost::{
    Code::{
        self, IoFailed, IoNotFound, TrustGeneration, TrustKeyFile, TrustMemory, TrustNewer, TrustRollback, TrustSealed,
        TrustSyntax,
    },
    Engine,
    package::{Caps, discover},
    verify::{
        Delegation, Revocation, Revoked, SecretKey, SeenFile, StoreFile, Subject, TrustStore, TrustedKey, Verdicts,
    },
};
use semver::Version;

use crate::{
    memory::peak,
    stores::full,
    world::{World, area, date, key, pattern, root, trusted},
};

fn code<T: std::fmt::Debug>(result: modhost::Result<T>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn an_older_store_than_the_one_seen_is_refused() {
    let area = area();
    let path = area.path().join("trust.toml");
    let file = StoreFile::new(&path);
    assert_eq!(code(file.load()), IoNotFound);
    file.update(|store| store.add_key(trusted(1, "acme.*"))).unwrap();
    let old = fs::read(&path).unwrap();
    file.update(|store| store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen"))).unwrap();
    assert_eq!(file.load().unwrap().generation(), 2);

    fs::write(&path, &old).unwrap();
    assert_eq!(code(file.load()), TrustGeneration);
    assert_eq!(code(file.update(|_| Ok(()))), TrustGeneration);
    // A host that remembers the generation refuses it after a new start, too; one that does not cannot know.
    assert_eq!(code(StoreFile::new(&path).seen(2).load()), TrustGeneration);
    assert_eq!(StoreFile::new(&path).seen(1).load().unwrap().generation(), 1);
    fs::remove_file(&path).unwrap();
    assert_eq!(code(file.load()), TrustGeneration);

    // What is refused leaves the file as it was.
    fs::write(&path, &old).unwrap();
    let file = StoreFile::new(&path);
    assert!(file.update(|store| store.set_threshold(pattern("*"), 0)).is_err());
    assert_eq!(fs::read(&path).unwrap(), old);
    fs::write(&path, [0xff, b'\n']).unwrap();
    assert_eq!(code(file.load()), TrustSyntax);
    let left: Vec<_> = fs::read_dir(area.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the store and its lock: {left:?}");
}

#[test]
fn a_key_that_the_host_was_built_with_is_in_no_file_and_stays() {
    let area = area();
    let path = area.path().join("trust.toml");
    let built = || StoreFile::new(&path).embed(trusted(1, "acme.*")).unwrap();
    built().update(|store| store.pin("acme", key(1).public().id())).unwrap();
    let mut world = World::new();
    world.store = built().load().unwrap();
    world.policy.vendors.insert("acme".into());
    assert_eq!(world.judge().level, modhost::TrustLevel::Trusted);
    assert!(!fs::read_to_string(&path).unwrap().contains("[[key]]"));
    assert_eq!(code(built().update(|store| store.remove_key(&key(1).public().id()))), Code::TrustNoKey);
    // The file alone names a key that is nowhere.
    assert_eq!(code(StoreFile::new(&path).load()), Code::TrustNoKey);
}

#[test]
fn a_key_that_the_engine_was_built_with_is_in_every_store_that_it_gets() {
    type Change = fn(&mut TrustStore);
    let rows: [(&str, Change, &str, Result<&str, Code>); 6] = [
        ("an empty store", |_| {}, "acme.wolf", Ok("verified")),
        ("another's plugin", |_| {}, "other.wolf", Err(Code::TrustNamespace)),
        (
            "a store that widens it",
            |store| store.add_key(trusted(1, "*")).unwrap(),
            "other.wolf",
            Err(Code::TrustNamespace),
        ),
        (
            "a store that revokes it",
            |store| store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen")).unwrap(),
            "acme.wolf",
            Err(Code::TrustRevoked),
        ),
        (
            "a store with a delegation by it, which may not delegate",
            |store| {
                store.add_key(root(1, "acme.*")).unwrap();
                store.delegate(Delegation::sign(&key(1), trusted(2, "acme.*")).unwrap()).unwrap();
            },
            "acme.wolf",
            Err(Code::TrustDelegationRoot),
        ),
        ("a store with another key", |store| store.add_key(trusted(2, "*")).unwrap(), "acme.wolf", Ok("verified")),
    ];
    let area = area();
    let path = area.path().join("p.modpkg");
    for (name, change, id, expected) in rows {
        let mut world = World::new();
        world.renamed(id, &[1]);
        fs::write(&path, world.packed()).unwrap();
        let mut store = TrustStore::default();
        change(&mut store);
        let loaded = |engine: Engine| {
            engine.load_path(&path)?;
            Ok(engine.plugins()[0].trust.to_string())
        };
        let built = || Engine::builder().trusted_key(trusted(1, "acme.*"));
        let first = built().trust_store(store.clone()).build().and_then(loaded);
        let later = built().build().and_then(|engine| {
            engine.set_trust_store(store)?;
            loaded(engine)
        });
        for outcome in [first, later] {
            let outcome = outcome.map_err(|error: modhost::Error| error.code());
            assert_eq!(outcome.as_deref().map_err(|code| *code), expected, "{name}");
        }
    }
    let nothing = TrustedKey::new(key(1).public(), "for nothing", []);
    assert_eq!(Engine::builder().trusted_key(nothing).build().err().map(|error| error.code()), Some(Code::TrustValue));
}

#[test]
fn of_many_writers_none_loses_a_change() {
    let area = area();
    let path = Arc::new(area.path().join("trust.toml"));
    let writers: Vec<_> = (1..=4)
        .map(|seed| {
            let path = path.clone();
            thread::spawn(move || {
                let file = StoreFile::new(&*path);
                for namespace in ["a.*", "b.*"] {
                    file.update(|store| store.add_key(trusted(seed, namespace))).unwrap();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let store = StoreFile::new(&*path).load().unwrap();
    assert_eq!((store.keys().count(), store.generation()), (4, 8));
}

/// Holds the lock beside `path`, as another process would.
fn held(path: &Path) -> File {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options().create(true).truncate(false).write(true).open(name).unwrap();
    lock.try_lock().unwrap();
    lock
}

#[test]
fn who_keeps_a_lock_makes_nobody_wait_for_ever() {
    let area = area();
    let path = area.path().join("it");
    let wait = Duration::from_millis(20);
    type Change = fn(&Path, Duration) -> modhost::Result<()>;
    let rows: [(&str, Change); 3] = [
        ("a store is changed", |path, wait| StoreFile::new(path).patience(wait).update(|_| Ok(()))),
        ("a store is sealed", |path, wait| StoreFile::new(path).patience(wait).reseal(Some([7; 32])).map(drop)),
        ("what was seen is changed", |path, wait| SeenFile::new(path).patience(wait).update(|_| ())),
    ];
    for (name, change) in rows {
        let _ = fs::remove_file(&path);
        if name.starts_with("a store") {
            StoreFile::new(&path).update(|_| Ok(())).unwrap();
        }
        let before = fs::read(&path).ok();
        let lock = held(&path);
        let error = change(&path, wait).unwrap_err();
        assert!(
            error.code() == IoFailed && error.message().contains("it.lock: somebody else holds"),
            "{name}: {error}"
        );
        assert!(error.help().contains("it.lock`) and end it"), "{name}: {error:?}");
        assert_eq!(fs::read(&path).ok(), before, "{name}");
        drop(lock);
        change(&path, wait).expect(name);
    }
}

/// While one load waits for the file, others are vetted, and stores are taken; what the one remembers counts before it is written.
#[cfg(target_os = "linux")]
#[test]
fn who_keeps_the_lock_of_what_was_seen_keeps_nobody_from_vetting() {
    let area = area();
    let (path, package, older) =
        (area.path().join("seen"), area.path().join("new.modpkg"), area.path().join("old.modpkg"));
    let mut world = World::new();
    fs::write(&older, world.packed()).unwrap();
    world.version = Version::new(2, 0, 0);
    world.index = world.listed();
    world.signed_by(&[1]);
    fs::write(&package, world.packed()).unwrap();
    let file = SeenFile::new(&path).patience(Duration::from_secs(5));
    let engine = Engine::builder().trust_store(world.store.clone()).versions_seen(file).build().unwrap();
    let lock = held(&path);
    let name = area.path().join("seen.lock");
    let open = || {
        let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
        files.filter(|file| fs::read_link(file.path()).is_ok_and(|to| to == name)).count()
    };
    let mods = thread::scope(|scope| {
        let load = scope.spawn(|| engine.loading().dir(&package).load().unwrap());
        while open() < 2 {
            thread::yield_now();
        }
        // Were they to wait, the load would have given up before.
        engine.set_trust_store(world.store.clone()).unwrap();
        assert_eq!(code(engine.load_path(&older)), TrustRollback);
        drop(lock);
        load.join().unwrap()
    });
    assert!(mods.not_remembered.is_none(), "{mods}");
    assert_eq!(SeenFile::new(&path).load().unwrap().version(&world.id), Some(&world.version));

    // What cannot be written counts as long as the engine lives, and is written as soon as something is.
    for unwritten in ["3.0.0", "4.0.0"] {
        engine.unload(engine.find("acme.wolf").unwrap()).unwrap();
        world.version = unwritten.parse().unwrap();
        world.index = world.listed();
        world.signed_by(&[1]);
        fs::write(&package, world.packed()).unwrap();
        if unwritten == "4.0.0" {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
        let mods = engine.loading().dir(&package).load().unwrap();
        assert_eq!(mods.not_remembered.is_some(), unwritten == "3.0.0", "{mods}");
        assert_eq!(code(engine.load_path(&older)), TrustRollback);
    }
    assert_eq!(SeenFile::new(&path).load().unwrap().version(&world.id), Some(&world.version));
}

#[test]
fn a_sealed_store_opens_with_its_key_alone() {
    let area = area();
    let path = area.path().join("trust.toml");
    let file = StoreFile::new(&path).sealed([7; 32]);
    let replace = |store: &mut TrustStore| {
        *store = full();
        Ok(())
    };
    file.update(replace).unwrap();
    file.update(replace).unwrap();
    let store = file.load().unwrap();
    assert_eq!(store.generation(), 2, "another store is a change as any other");
    assert_eq!(store.keys().count(), full().keys().count());
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(4).any(|part| part == b"acme"));
    // Never the same twice, though the text is.
    file.update(|_| Ok(())).unwrap();
    assert_ne!(fs::read(&path).unwrap()[..60], bytes[..60]);

    assert_eq!(code(StoreFile::new(&path).load()), TrustSealed);
    assert_eq!(code(StoreFile::new(&path).sealed([8; 32]).load()), TrustSealed);
    let flips = bytes.len() * 8;
    for bit in (0..flips).step_by(61) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &changed).unwrap();
        assert_eq!(code(StoreFile::new(&path).sealed([7; 32]).load()), TrustSealed, "bit {bit}");
    }
    // One that lies there in the open is not what the host wants.
    fs::write(&path, full().to_string()).unwrap();
    assert_eq!(code(StoreFile::new(&path).sealed([7; 32]).load()), TrustSealed);
}

#[test]
fn an_older_package_is_refused_until_the_host_signs_off() {
    let area = area();
    let file = SeenFile::new(area.path().join("seen"));
    let world = World::new();
    let version = |text: &str| Version::parse(text).unwrap();
    let mut unsigned = world.clone();
    unsigned.envelope = None;
    file.update(|seen| {
        seen.note(&world.id, &version("1.5.0"), &world.judge());
        // Of what nobody vouches for nothing is remembered, nor of what is older.
        seen.note(&world.id, &version("9.0.0"), &unsigned.judge());
        seen.note(&world.id, &version("1.4.0"), &world.judge());
        seen.note_run(3, world.now);
    })
    .unwrap();
    let seen = file.load().unwrap();
    assert_eq!((seen.version(&world.id), seen.generation()), (Some(&version("1.5.0")), 3));
    for (text, expected) in [
        ("1.4.9", Err(TrustRollback)),
        ("1.5.0-rc.1", Err(TrustRollback)),
        ("1.5.0", Ok(())),
        ("1.5.0+other", Ok(())),
        ("2.0.0", Ok(())),
    ] {
        assert_eq!(seen.check(&world.id, &version(text)).map_err(|error| error.code()), expected, "{text}");
    }
    assert!(seen.check(&"acme.fox".parse().unwrap(), &version("0.0.1")).is_ok());

    // A clock that was set back is not believed, and told of.
    let hour = Duration::from_secs(3600);
    let (time, warning) = seen.time(world.now - hour);
    assert!(time == world.now && warning.unwrap().contains("the clock says 2026-05-31T23:00:00Z"));
    assert_eq!(seen.time(world.now + hour), (world.now + hour, None));
    assert_eq!(seen.time(world.now - Duration::from_secs(60)), (world.now, None));

    file.update(|seen| seen.sign_off(&world.id, &version("1.2.0"))).unwrap();
    assert!(file.load().unwrap().check(&world.id, &version("1.4.0")).is_ok());

    // A damaged memory is no empty one.
    let text = fs::read_to_string(file.path()).unwrap();
    for (damaged, expected) in [
        (text.replace("plugin", "plugins"), TrustMemory),
        (text.replace("1.2.0", "1.2"), TrustMemory),
        (text.replace("generation 3", "generation 03"), TrustMemory),
        (text.clone() + "plugin a 1.0.0\n", TrustMemory),
        (text.replace("seen 1", "seen 2"), TrustNewer),
        (String::new(), TrustMemory),
    ] {
        fs::write(file.path(), &damaged).unwrap();
        assert_eq!(code(file.load()), expected, "{damaged}");
        assert_eq!(code(file.update(|_| ())), expected, "{damaged}");
    }
}

#[test]
fn a_private_key_is_kept_to_its_owner() {
    let area = area();
    let path = area.path().join("key.pem");
    let secret = SecretKey::generate().unwrap();
    assert_ne!(SecretKey::generate().unwrap().public(), secret.public());
    secret.create(&path).unwrap();
    assert_eq!(SecretKey::open(&path).unwrap().public(), secret.public());
    assert_eq!(code(secret.create(&path)), IoFailed, "a key is never written over");
    let pem = fs::read_to_string(&path).unwrap();
    let shown = format!("{secret:?}");
    assert!(shown.contains(&secret.public().to_string()));
    assert!(pem.lines().nth(1).is_some_and(|line| !shown.contains(line)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(code(SecretKey::open(&path)), Code::TrustKeyExposed, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(SecretKey::open(&path).is_ok());
    }
    // As OpenSSL writes one (RFC 8410, section 10.3), in both forms.
    for (text, public) in [(
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
        "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    )] {
        assert_eq!(SecretKey::from_pem(text).unwrap().public().to_string(), public);
        assert_eq!(*SecretKey::from_pem(text).unwrap().to_pem().unwrap(), text);
        for bad in [text.replace("PRIVATE", "PUBLIC"), text.replace("MC4", "MC5"), text[..80].into(), String::new()] {
            assert_eq!(code(SecretKey::from_pem(&bad)), TrustKeyFile, "{bad}");
        }
    }
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let error = SecretKey::from_pem(encrypted).unwrap_err();
    assert!(error.code() == TrustKeyFile && error.message().contains("passphrase"));
}

/// A package that is small, signed by many keys that nobody knows, who had much to say.
fn signed_by_many() -> World {
    let mut world = World::new();
    let seeds: Vec<u8> = (100..115).collect();
    world.sign_with(&seeds, |said| {
        said.meta = (0..16).map(|at| (format!("m{at:02}"), "x".repeat(20))).collect();
    });
    world
}

#[test]
fn lists_and_signatures_are_bytes_of_a_folder_too() {
    let area = area();
    let world = signed_by_many();
    let files: usize = world.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let one = files + world.index.len() + world.envelope.as_ref().unwrap().len();
    assert!(one > 20 * files, "a package of {one} bytes, {files} of them its files");
    for at in 0..200 {
        fs::write(area.path().join(format!("{at:03}.modpkg")), world.packed()).unwrap();
    }
    for (folder, fit) in [(3 * one, 3), (4 * one - 1, 3), (4 * one, 4), (200 * one, 200)] {
        let mut caps = Caps::default();
        caps.folder = folder as u64;
        let (found, peak) = peak(|| discover(area.path(), &caps).unwrap().collect::<Vec<_>>());
        assert_eq!(found.iter().filter(|one| one.is_ok()).count(), fit, "of {folder} bytes");
        assert!(found.into_iter().flat_map(Result::err).all(|error| error.code() == Code::PackageTooLarge));
        assert!(peak < 4 * folder + (1 << 20), "{peak} bytes for a cap of {folder}");
    }
}

/// Names the folder of the key, in the child.
const FOLDER: &str = "MODHOST_TEST_KEY_FOLDER";

/// The child: makes a key.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    SecretKey::generate().unwrap().create(&Path::new(&folder).join("key.pem")).unwrap();
}

/// A process that may write no file is ended by the system when it writes the first byte, as by a machine that goes down.
#[cfg(target_os = "linux")]
#[test]
fn a_key_is_there_as_a_whole_or_not_at_all() {
    for (limit, expected) in [("0", &[][..]), ("unlimited", &["key.pem"][..])] {
        let area = area();
        let line = format!("ulimit -c 0; ulimit -f {limit}; exec \"$0\" --exact files::child");
        let mut child = Command::new("sh");
        let child = child.args(["-c", &line]).arg(env::current_exe().unwrap()).env(FOLDER, area.path());
        let output = child.output().unwrap();
        assert_eq!(output.status.success(), limit != "0", "{output:?}");
        let names = fs::read_dir(area.path()).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|name| !name.ends_with(".tmp")).collect();
        assert_eq!(left, expected, "with {limit}");
    }
}

#[test]
fn a_verdict_is_kept_no_longer_than_it_holds() {
    let mut world = World::new();
    world.sign_with(&[1], |said| said.expires = Some(date("2026-06-03T00:00:00Z")));
    let mut verdicts = Verdicts::new(world.store.clone(), 2);
    let decide = |verdicts: &Verdicts, world: &World| {
        let envelope = world.envelope.as_deref().map(str::as_bytes);
        let subject = Subject { id: &world.id, version: &world.version, index: &world.index, envelope };
        verdicts.decide(&subject, &world.policy, world.now).map(|verdict| verdict.level).map_err(|error| error.code())
    };
    let good = decide(&verdicts, &world);
    assert_eq!((good, verdicts.len()), (Ok(modhost::TrustLevel::Verified), 1));
    assert_eq!((decide(&verdicts, &world), verdicts.len()), (good, 1));

    // The signature ends while its verdict is kept.
    let mut late = world.clone();
    late.later(2);
    assert_eq!(decide(&verdicts, &late), Err(Code::VerifyExpired));
    assert_eq!(decide(&verdicts, &world), good);
    // Another policy, envelope, list of files is another question.
    let mut strict = world.clone();
    strict.policy = modhost::Policy::strict();
    assert_eq!(decide(&verdicts, &strict), Err(Code::VerifyThreshold));
    // To want an end, however late, is not to want none.
    let mut endless = World::new();
    assert_eq!(decide(&verdicts, &endless), good);
    endless.policy.signature_max_age = Some(Duration::MAX);
    assert_eq!(decide(&verdicts, &endless), Err(Code::VerifyLifetime));
    let mut changed = world.clone();
    changed.index.push(b'x');
    assert_eq!(decide(&verdicts, &changed), Err(Code::VerifyBadSignature));
    let mut unsigned = world.clone();
    unsigned.envelope = None;
    assert_eq!(decide(&verdicts, &unsigned), Ok(modhost::TrustLevel::Untrusted));
    // What was refused is not kept, and there is an end to what is.
    assert_eq!(verdicts.len(), 2);
    let mut renewed = world.clone();
    renewed.signed_by(&[2]);
    assert_eq!((decide(&verdicts, &renewed), verdicts.len()), (good, 2));

    // Nor is what many had much to say in.
    assert_eq!((decide(&verdicts, &signed_by_many()), verdicts.len()), (Ok(modhost::TrustLevel::Untrusted), 2));
    verdicts.set_store(world.store.clone());
    assert_eq!((decide(&verdicts, &signed_by_many()), verdicts.len()), (Ok(modhost::TrustLevel::Untrusted), 0));

    // Another generation of the store: nothing is left.
    let mut store = world.store.clone();
    store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen")).unwrap();
    verdicts.set_store(store);
    assert!(verdicts.is_empty());
    assert_eq!(decide(&verdicts, &world), Err(Code::TrustRevoked));
    assert_eq!(verdicts.store().revoked().len(), 1);
    verdicts.set_store(TrustStore::default());
    assert_eq!(decide(&verdicts, &world), Ok(modhost::TrustLevel::Untrusted));
}
