//! Signed lockfiles: what packages are loaded as that a signed set names, what is refused, what another set does to those that run.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/known.rs"]
mod known;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use known::{NOW, date, key, policy, store};
use modhost::{
    Code, Engine, Error, HostFunction, ManualClock, Mods, Policy, State, TrustLevel,
    audit::{Event, MemoryLog},
    package::{Algorithm, Caps, Digest, Id, Package, discover},
    resolve::Lockfile,
    verify::{
        Envelope, SecretKey, SeenFile, SignOptions, SignedLock, Subject, TrustStore, Verdicts, judge, sign_index,
        sign_lock,
    },
};
use tempfile::TempDir;

/// The envelope of `words`: keys that sign, `until=DATE` for the end of all; and who makes a signature.
fn envelope(words: &str, sign: impl Fn(&SecretKey, SignOptions) -> modhost::verify::Signature) -> Option<String> {
    let (mut keys, mut until) = (Vec::new(), None);
    for word in words.split_whitespace() {
        match word.strip_prefix("until=") {
            Some(end) => until = Some(date(end)),
            None => keys.push(word.parse::<u8>().unwrap()),
        }
    }
    let mut signatures = keys.into_iter().map(|seed| {
        let mut options = SignOptions::new(format!("key {seed}"));
        options.expires = until;
        sign(&key(seed), options)
    });
    let mut envelope = Envelope::of(signatures.next()?);
    signatures.for_each(|more| envelope.add(more).unwrap());
    Some(envelope.to_string())
}

/// A plugin of `words`, `id version` and who signs it, `bad` for signatures that do not hold, as a package in `mods`.
fn pack(mods: &Path, words: &str, source: &str) {
    let mut parts = words.splitn(3, ' ');
    let (id, version) = (parts.next().unwrap(), parts.next().unwrap());
    let signed = parts.next().unwrap_or_default();
    let area = tempfile::tempdir().unwrap();
    let manifest = format!("[plugin]\nid = \"{id}\"\nversion = \"{version}\"\n");
    fs::write(area.path().join("plugin.toml"), manifest).unwrap();
    fs::write(area.path().join("main.lua"), source).unwrap();
    let caps = Caps::default();
    let package = Package::open(area.path(), &caps).unwrap();
    let index = package.index().as_bytes();
    let envelope = envelope(&signed.replace("bad", ""), |key, said| sign_index(index, key, said).unwrap());
    let envelope =
        envelope.map(|text| if signed.contains("bad") { text.replace("signer k", "signer K") } else { text });
    let packed = package.pack(Algorithm::Sha256, envelope.as_deref().map(str::as_bytes), &caps).unwrap();
    fs::write(mods.join(packed.file_name()), &packed.bytes).unwrap();
}

const HOWL: &str = "function howl() return 'awoo' end";

/// A folder with these plugins, and their lockfile.
fn locked(plugins: &[&str]) -> (TempDir, String) {
    let mods = tempfile::tempdir().unwrap();
    plugins.iter().for_each(|words| pack(mods.path(), words, HOWL));
    let packages: Vec<_> = discover(mods.path(), &Caps::default()).unwrap().into_iter().map(Result::unwrap).collect();
    let plan = Engine::builder().build().unwrap().resolver(&packages).plan();
    (mods, Lockfile::of(&plan).to_string())
}

fn signed(lockfile: &str, words: &str) -> String {
    envelope(words, |key, said| sign_lock(lockfile.as_bytes(), key, said).unwrap()).unwrap()
}

fn read(lockfile: &str, envelope: &str) -> Result<SignedLock, Error> {
    SignedLock::read(lockfile.as_bytes(), envelope.as_bytes())
}

fn set(lockfile: &str, words: &str) -> SignedLock {
    read(lockfile, &signed(lockfile, words)).unwrap()
}

fn builder(policy: Policy, store: TrustStore) -> (modhost::Builder, Arc<MemoryLog>) {
    let (log, clock) = (Arc::new(MemoryLog::default()), Arc::new(ManualClock::default()));
    clock.set_wall(date(NOW).time());
    (Engine::builder().policy(policy).trust_store(store).audit(log.clone()).clock(clock), log)
}

/// What became of each plugin, by id: its trust, `set` behind it where it has it from the set; or the code of the refusal.
fn outcome(mods: &Mods) -> String {
    let mut told = BTreeMap::new();
    for one in &mods.loaded {
        let by = if one.verdict.by_set { " set" } else { "" };
        assert_eq!(one.vouched.starts_with("signed set of "), one.verdict.by_set, "{}", one.vouched);
        told.insert(one.name.clone(), format!("{}{by}", one.trust));
    }
    told.extend(mods.refused.iter().map(|one| (one.name.clone(), one.error.code().to_string())));
    told.into_values().collect::<Vec<_>>().join(", ")
}

const UNSIGNED: &[&str] = &["acme.wolf 1.0.0", "other.fox 1.0.0"];

#[test]
fn what_a_signed_set_is_worth() {
    let rows: &[(&[&str], &str, &str, &str, &str)] = &[
        // The plugins, who signed the set, the store, the policy; what acme.wolf and other.fox are loaded as.
        (UNSIGNED, "2", "acme reviewer", "mods", "verified set, verified set"),
        (UNSIGNED, "2", "acme reviewer", "standard", "verified set, verified set"),
        (UNSIGNED, "2", "acme reviewer", "known", "verified set, verified set"),
        // A key vouches for its own plugins only.
        (UNSIGNED, "1", "acme", "mods", "verified set, untrusted"),
        (UNSIGNED, "1", "acme", "standard", "verified set, denied.trust"),
        (UNSIGNED, "1", "vendor", "vendors", "trusted set, untrusted"),
        (UNSIGNED, "1", "vendor", "mods", "verified set, untrusted"),
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0"], "2", "vendor reviewer", "vendors", "trusted, verified set"),
        (
            &["acme.wolf 1.0.0 1 bad", "other.fox 1.0.0"],
            "2",
            "vendor reviewer",
            "vendors",
            "verified set, verified set",
        ),
        (&["acme.wolf 1.0.0 2", "other.fox 1.0.0"], "2", "vendor reviewer", "vendors", "verified set, verified set"),
        // As many as are needed.
        (UNSIGNED, "2", "acme reviewer two", "mods", "untrusted, untrusted"),
        (UNSIGNED, "1 2", "acme reviewer two", "mods", "verified set, untrusted"),
        (UNSIGNED, "2", "acme reviewer", "strict", "denied.trust, denied.trust"),
        (UNSIGNED, "1 2", "acme reviewer", "strict", "verified set, denied.trust"),
        // Those of the set and the package's own are not added up.
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0"], "2", "acme reviewer two", "mods", "untrusted, untrusted"),
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0"], "2", "acme reviewer", "strict", "verify.threshold, denied.trust"),
        // Nobody's key, and ends.
        (UNSIGNED, "9", "acme", "mods", "untrusted, untrusted"),
        (UNSIGNED, "9", "acme", "standard", "denied.trust, denied.trust"),
        (UNSIGNED, "2 9", "reviewer", "standard", "verified set, verified set"),
        (UNSIGNED, "2 until=2026-06-01T00:00:00Z", "reviewer", "mods", "untrusted, untrusted"),
        (UNSIGNED, "2 until=2026-06-01T00:00:00Z", "reviewer", "known", "denied.trust, denied.trust"),
        (UNSIGNED, "2 until=2026-06-01T00:00:01Z", "reviewer", "mods", "verified set, verified set"),
        (UNSIGNED, "1", "ended", "mods", "untrusted, untrusted"),
        (UNSIGNED, "2", "reviewer", "aged", "untrusted, untrusted"),
        (UNSIGNED, "2 until=2026-08-01T00:00:00Z", "reviewer", "aged", "untrusted, untrusted"),
        (UNSIGNED, "2 until=2026-06-20T00:00:00Z", "reviewer", "aged", "verified set, verified set"),
        // What is revoked stays so, whoever else signed.
        (UNSIGNED, "2", "acme reviewer hard=2", "mods", "trust.revoked, trust.revoked"),
        (UNSIGNED, "1 2", "acme reviewer hard=2", "mods", "trust.revoked, trust.revoked"),
        (&["acme.wolf 1.0.0 2", "other.fox 1.0.0"], "1", "acme reviewer hard=2", "mods", "trust.revoked, untrusted"),
        (&["acme.wolf 1.0.0 2", "other.fox 1.0.0"], "1", "acme reviewer soft=2", "mods", "verified set, untrusted"),
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0"], "2", "acme hard=2", "mods", "trust.revoked, trust.revoked"),
        (UNSIGNED, "2", "reviewer soft=2", "mods", "verified set, verified set"),
        (UNSIGNED, "2", "reviewer versions", "mods", "trust.revoked, verified set"),
        (&["acme.wolf 1.1.0", "other.fox 1.0.0"], "2", "reviewer versions", "mods", "verified set, verified set"),
        // A package's own envelope is looked at where the set does not suffice, and only there.
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0 9"], "2", "acme reviewer", "mods", "verified set, verified set"),
        (&["acme.wolf 1.0.0 1", "other.fox 1.0.0 9"], "9", "acme reviewer", "mods", "verified, untrusted"),
        (&["acme.wolf 1.0.0 1 bad", "other.fox 1.0.0"], "2", "acme reviewer", "mods", "verified set, verified set"),
        (&["acme.wolf 1.0.0 1 bad", "other.fox 1.0.0"], "9", "acme", "mods", "verify.bad-signature, untrusted"),
        (&["acme.wolf 1.0.0", "other.fox 1.0.0 1"], "1", "acme", "mods", "verified set, trust.namespace"),
    ];
    for (plugins, signers, keys, name, expected) in rows {
        let case = format!("{plugins:?} | {signers} | {keys} | {name}");
        let (mods, lockfile) = locked(plugins);
        let (builder, log) = builder(policy(name), store(keys));
        let engine = builder.signed_lock(set(&lockfile, signers)).build().unwrap();
        let examined: Vec<_> = engine.examine_dir(mods.path()).unwrap().into_iter().map(Result::unwrap).collect();
        let loaded = engine.loading().dir(mods.path()).load().unwrap();
        assert_eq!(outcome(&loaded), *expected, "{case}");
        // What is only examined is judged alike.
        let told: Vec<_> = examined
            .iter()
            .map(|one| match (one.problems.first(), one.trust, one.signatures.by_set) {
                (Some(error), ..) => error.code().to_string(),
                (None, Some(trust), true) => format!("{trust} set"),
                (None, trust, _) => trust.unwrap().to_string(),
            })
            .collect();
        assert_eq!(told.join(", "), *expected, "{case}");
        for refused in &loaded.refused {
            // Who counted on the set is told why it was not enough, where that is why.
            let short = [Code::DeniedTrust, Code::VerifyThreshold].contains(&refused.error.code());
            assert_eq!(refused.error.message().contains("the signed set names it"), short, "{case}: {}", refused.error);
        }
        for one in &loaded.loaded {
            // The audit names the keys that count, as for a package's own.
            let records = log.records();
            let admitted =
                |record: &&modhost::audit::Record| record.event == Event::Admitted && record.plugin == one.name;
            let admitted = records.iter().find(admitted).unwrap();
            let counting = one.verdict.signers.iter().filter(|signer| signer.counts());
            assert!(counting.into_iter().all(|signer| admitted.detail.contains(&signer.key.to_string())), "{case}");
            // A set that is not enough is spoken of, but not where the vendor's own signature gives more.
            let warned = one.verdict.warnings.iter().any(|warning| warning.contains("the signed set names it"));
            let enough = one.verdict.by_set || one.trust == TrustLevel::Trusted;
            assert_eq!(warned, !enough, "{case}: {:?}", one.verdict.warnings);
        }
    }
}

/// What acme.wolf is loaded as under a set of key 1, after `change` was made to the folder.
fn changed(change: impl Fn(&Path)) -> String {
    let (mods, lockfile) = locked(&["acme.wolf 1.0.0"]);
    change(mods.path());
    let (builder, _) = builder(Policy::mods(), store("acme"));
    let engine = builder.signed_lock(set(&lockfile, "1")).build().unwrap();
    let loaded = engine.loading().dir(mods.path()).load().unwrap();
    let other = |warning: &String| warning.contains("the signed set names other files of this version");
    let other = |one: &modhost::Loaded| one.verdict.warnings.iter().any(other);
    format!("{}{}", outcome(&loaded), if loaded.loaded.iter().any(other) { ", other files" } else { "" })
}

#[test]
fn a_set_vouches_for_the_very_packages_that_it_names() {
    let unpacked = |mods: &Path| {
        let file = mods.join("acme.wolf-1.0.0.modpkg");
        let package = Package::open(&file, &Caps::default()).unwrap();
        fs::create_dir(mods.join("wolf")).unwrap();
        for (path, bytes) in package.files().iter() {
            fs::write(mods.join("wolf").join(path), bytes).unwrap();
        }
        fs::remove_file(file).unwrap();
    };
    assert_eq!(changed(|_| {}), "verified set");
    assert_eq!(changed(unpacked), "verified set", "the same files are the same package, however they lie there");
    assert_eq!(
        changed(|mods| pack(mods, "acme.wolf 1.0.0", "function howl() return 'meow' end")),
        "untrusted, other files"
    );
    assert_eq!(
        changed(|mods| {
            fs::remove_file(mods.join("acme.wolf-1.0.0.modpkg")).unwrap();
            pack(mods, "acme.wolf 1.0.1", HOWL);
        }),
        "untrusted"
    );
    assert_eq!(changed(|mods| pack(mods, "acme.fox 1.0.0", HOWL)), "untrusted, verified set");
    assert_eq!(
        changed(|mods| {
            unpacked(mods);
            fs::write(mods.join("wolf/more.lua"), "").unwrap();
        }),
        "untrusted, other files"
    );
}

#[test]
fn every_flipped_bit_is_refused() {
    let (_mods, lockfile) = locked(&["acme.wolf 1.0.0"]);
    let envelope = signed(&lockfile, "1 2 until=2027-01-01T00:00:00Z");
    read(&lockfile, &envelope).unwrap();
    let mut flips = 0;
    for (text, is_lock) in [(&lockfile, true), (&envelope, false)] {
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = match is_lock {
                true => SignedLock::read(&bytes, envelope.as_bytes()),
                false => SignedLock::read(lockfile.as_bytes(), &bytes),
            };
            let code = read.expect_err(&format!("bit {bit} of {text}")).code();
            let of_envelope = code.as_str().starts_with("verify.");
            assert!(of_envelope || (is_lock && code == Code::PackageLockfile), "{code}");
            flips += 1;
        }
    }
    println!("{flips} flips: each refused");
}

/// Changes a text as an attacker would who has no plan: bytes, and pieces of itself.
fn mutated(random: &mut fastrand::Rng, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(..60)).min(bytes.len());
        match random.u8(..5) {
            0 => bytes.insert(at, random.u8(..)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let (piece, to) = (bytes[at..end].to_vec(), random.usize(..=bytes.len()));
                bytes.splice(to..to, piece);
            }
            3 => {
                let lines: [&[u8]; 5] = [b"\n", b"\r\n", b"\n[[plugin]]\n", b"after = []\n", b"# more\n"];
                bytes.splice(at..at, random.choice(lines).unwrap().iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn no_change_is_believed() {
    let (_mods, lockfile) = locked(&["acme.wolf 1.0.0"]);
    let envelope = signed(&lockfile, "1");
    let mut random = fastrand::Rng::with_seed(20_261_121);
    const ROUNDS: usize = 4000;
    let mut whole = 0;
    for round in 0..ROUNDS {
        let (mut lock, mut signatures) = (lockfile.clone().into_bytes(), envelope.clone().into_bytes());
        match round % 2 {
            0 => lock = mutated(&mut random, &lockfile),
            _ => signatures = mutated(&mut random, &envelope),
        }
        let unchanged = lock == lockfile.as_bytes() && signatures == envelope.as_bytes();
        whole += usize::from(unchanged);
        assert_eq!(SignedLock::read(&lock, &signatures).is_ok(), unchanged, "round {round}");
    }
    println!("{ROUNDS} mutations, {whole} of which changed nothing: each other refused");
}

#[test]
fn what_is_no_signed_set() {
    let (_mods, lockfile) = locked(UNSIGNED);
    let good = signed(&lockfile, "1 2");
    let part = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let digest = lockfile.lines().find(|line| line.starts_with("digest")).unwrap().to_owned() + "\n";
    let bare = part(&lockfile, &digest, "");
    let blocks: Vec<&str> = good.splitn(3, "\n\n").collect();
    let swapped = format!("{}\n\n{}\n{}", blocks[0], blocks[2], blocks[1]) + "\n";
    let of_package = |bytes: &str| envelope("1", |key, said| sign_index(bytes.as_bytes(), key, said).unwrap()).unwrap();
    let place = "modhost.lock.signatures";
    // The lockfile, the envelope, the code and where.
    let rows: &[(&str, &str, Code, &str)] = &[
        // A comment is signed, too, and so is how its lines end.
        (&format!("{lockfile}# more\n"), &good, Code::VerifyBadSignature, place),
        (&lockfile.replace('\n', "\r\n"), &good, Code::VerifyBadSignature, place),
        (lockfile.trim_end(), &good, Code::VerifyBadSignature, place),
        (&lockfile, &part(&good, "signer key 1", "signer Key 1"), Code::VerifyBadSignature, place),
        // A package's signature, over the very bytes and over a package's list.
        (&lockfile, &of_package(&lockfile), Code::VerifyBadSignature, place),
        (&lockfile, &of_package("modhost-files 1\nacme.wolf\n1.0.0\n"), Code::VerifyBadSignature, place),
        (&lockfile, &signed(&bare, "1"), Code::VerifyBadSignature, place),
        // One without digests, however well it is signed.
        (&bare, &signed(&bare, "1"), Code::PackageLockfile, "modhost.lock"),
        ("lock = 2\n", &signed("lock = 2\n", "1"), Code::PackageLockfile, "modhost.lock:1"),
        (&lockfile, "", Code::VerifyEnvelope, place),
        (&lockfile, "modhost-signatures 1\n", Code::VerifyEnvelope, "modhost.lock.signatures:1"),
        (
            &lockfile,
            &part(&good, "modhost-signatures 1", "modhost-signatures 2"),
            Code::VerifyNewer,
            "modhost.lock.signatures:1",
        ),
        (&lockfile, &part(&good, "ed25519", "rsa"), Code::VerifyAlgorithm, "modhost.lock.signatures:3"),
        (&lockfile, &swapped, Code::VerifyEnvelope, "modhost.lock.signatures:13"),
        (
            &lockfile,
            &format!("{}\n\n{}\n\n{}\n", blocks[0], blocks[1], blocks[1]),
            Code::VerifyDuplicate,
            "modhost.lock.signatures:13",
        ),
    ];
    for (lockfile, envelope, code, at) in rows {
        let error = read(lockfile, envelope).unwrap_err();
        let place = error.at().map(ToString::to_string).unwrap_or_default();
        assert_eq!((error.code(), place.as_str()), (*code, *at), "{error}: {envelope}");
    }
    let seventeen: Vec<_> = (1..=17).map(|seed| signed(&lockfile, &seed.to_string())).collect();
    let blocks: String = seventeen.iter().map(|text| text.split_once('\n').unwrap().1).collect();
    let error = read(&lockfile, &format!("modhost-signatures 1\n{blocks}")).unwrap_err();
    assert!(matches!(error.code(), Code::VerifyTooMany | Code::VerifyEnvelope), "{error}");
}

#[test]
fn a_set_s_signature_is_no_package_s() {
    let index = b"modhost-files 1\nacme.wolf\n1.0.0\n";
    let (id, version) = (Id::new("acme.wolf").unwrap(), "1.0.0".parse().unwrap());
    let verdict = |envelope: String| {
        let subject = Subject { id: &id, version: &version, index, envelope: Some(envelope.as_bytes()) };
        judge(&subject, &store("acme"), &Policy::mods(), date(NOW).time())
    };
    let own = Envelope::of(sign_index(index, &key(1), SignOptions::new("key 1")).unwrap());
    assert_eq!(verdict(own.to_string()).level, TrustLevel::Verified);
    let other = Envelope::of(sign_lock(index, &key(1), SignOptions::new("key 1")).unwrap());
    assert_eq!(verdict(other.to_string()).errors[0].code, Code::VerifyBadSignature);
}

#[test]
fn another_set_judges_what_runs() {
    let (mods, lockfile) = locked(UNSIGNED);
    let less =
        Lockfile::of(&Engine::builder().build().unwrap().resolver::<modhost::package::Outline>(&[]).plan()).to_string();
    let rows: &[(Option<SignedLock>, &str, [State; 2])] = &[
        // The set after, the store after; acme.wolf and other.fox.
        (None, "reviewer", [State::Quarantined; 2]),
        (Some(set(&less, "2")), "reviewer", [State::Quarantined; 2]),
        (Some(set(&lockfile, "2")), "reviewer", [State::Active; 2]),
        (Some(set(&lockfile, "2 9")), "reviewer", [State::Active; 2]),
        (Some(set(&lockfile, "9")), "reviewer", [State::Quarantined; 2]),
        (Some(set(&lockfile, "1")), "acme", [State::Active, State::Quarantined]),
        (Some(set(&lockfile, "2")), "reviewer hard=2", [State::Quarantined; 2]),
        (Some(set(&lockfile, "2")), "reviewer soft=2", [State::Active; 2]),
        (Some(set(&lockfile, "2")), "reviewer versions", [State::Quarantined, State::Active]),
    ];
    for (number, (after, keys, expected)) in rows.iter().enumerate() {
        let (builder, log) = builder(Policy::mods(), store("acme reviewer"));
        let engine = builder.signed_lock(set(&lockfile, "2")).build().unwrap();
        let loaded = engine.loading().dir(mods.path()).load().unwrap();
        engine.enable(&mut (), &loaded).unwrap();
        let there = log.records().len();
        let mut quarantined = engine.set_signed_lock(after.clone()).quarantined.len();
        let told = log.records().swap_remove(there);
        let signers: Vec<_> = after.iter().flat_map(|set| set.envelope().keys()).map(|key| key.short()).collect();
        let named = signers.iter().all(|key| told.detail.contains(key));
        assert!(
            told.event == Event::TrustChanged && named && after.is_none() == told.detail.starts_with("no "),
            "{told:?}"
        );
        quarantined += engine.set_trust_store(store(keys)).unwrap().quarantined.len();
        let mut plugins = engine.plugins();
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        let states: Vec<State> = plugins.iter().map(|one| one.state).collect();
        assert_eq!(states, expected, "row {number}");
        let ended = states.iter().filter(|state| **state == State::Quarantined).count();
        assert_eq!(quarantined, ended, "row {number}");
        let records = log.records();
        let revoked = records.iter().filter(|one| one.event == Event::Revoked && one.code.is_some()).count();
        assert_eq!(revoked, ended, "row {number}");
    }
    // What has its trust from elsewhere, or has none, needs no set.
    let (mods, lockfile) = locked(&["acme.wolf 1.0.0 1", "other.fox 1.0.0"]);
    let (builder, _) = builder(Policy::mods(), store("acme"));
    let engine = builder.signed_lock(set(&lockfile, "9")).build().unwrap();
    engine.loading().dir(mods.path()).load().unwrap();
    assert!(engine.set_signed_lock(None).quarantined.is_empty());
}

#[test]
fn a_plugin_that_is_being_loaded_is_judged_again() {
    let mods = tempfile::tempdir().unwrap();
    let manifest = "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n[requires]\ngame = \"*\"";
    fs::write(mods.path().join("plugin.toml"), manifest).unwrap();
    fs::write(mods.path().join("main.lua"), "function on_load() game.pause() end").unwrap();
    let (builder, _) = builder(Policy::mods(), store("acme"));
    let (begun, waits) = std::sync::mpsc::channel();
    let (go, told) = std::sync::mpsc::channel::<()>();
    let pause = std::sync::Mutex::new((begun, told));
    let pausing = HostFunction::new("game.pause", move || {
        let both = pause.lock().unwrap();
        both.0.send(()).unwrap();
        both.1.recv().unwrap();
    });
    let engine = builder.host(pausing).build().unwrap();
    let package = Package::open(mods.path(), &Caps::default()).unwrap();
    let lockfile = Lockfile::of(&engine.resolver(&[package]).plan()).to_string();
    engine.set_signed_lock(Some(set(&lockfile, "1")));
    let loading = {
        let (engine, path) = (engine.clone(), mods.path().to_owned());
        std::thread::spawn(move || engine.load_path(path).map_err(|error| error.code()))
    };
    waits.recv().unwrap();
    assert!(engine.set_signed_lock(None).quarantined.is_empty(), "it cannot be taken out while its code runs");
    go.send(()).unwrap();
    assert_eq!(loading.join().unwrap().unwrap_err(), Code::DeniedTrust);
    assert!(engine.plugins().is_empty());
}

#[test]
fn a_set_brings_no_older_version_back() {
    let area = tempfile::tempdir().unwrap();
    let run = |plugins: &[&str]| {
        let (mods, lockfile) = locked(plugins);
        let (builder, _) = builder(Policy::mods(), store("reviewer"));
        let seen = SeenFile::new(area.path().join("seen"));
        let engine = builder.signed_lock(set(&lockfile, "2")).versions_seen(seen).build().unwrap();
        let held = engine.loading().dir(mods.path()).hold_to(lockfile.parse().unwrap());
        held.load().map_or_else(|error| error.code().to_string(), |mods| outcome(&mods))
    };
    assert_eq!(run(UNSIGNED), "verified set, verified set");
    assert_eq!(run(&["acme.wolf 1.2.0", "other.fox 1.0.0"]), "verified set, verified set");
    // What the lockfile holds and is refused is not there, so that nothing is loaded.
    assert_eq!(run(UNSIGNED), "resolve.locked");
    let (mods, lockfile) = locked(UNSIGNED);
    let (builder, _) = builder(Policy::mods(), store("reviewer"));
    let seen = SeenFile::new(area.path().join("seen"));
    let engine = builder.signed_lock(set(&lockfile, "2")).versions_seen(seen).build().unwrap();
    assert_eq!(outcome(&engine.load_dir(mods.path()).unwrap()), "trust.rollback, verified set");
}

#[test]
fn verdicts_are_kept_by_set() {
    let index = b"modhost-files 1\nacme.wolf\n1.0.0\n";
    let (id, version) = (Id::new("acme.wolf").unwrap(), "1.0.0".parse().unwrap());
    let subject = Subject { id: &id, version: &version, index, envelope: None };
    let row = |digest: Digest| {
        format!(
            "lock = 1\n\n[[plugin]]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\ndigest = \"{digest}\"\nsource = \"\"\nafter = []\n"
        )
    };
    let (own, other) = (row(subject.digest()), row(Digest::from_bytes([7; 32])));
    let mut verdicts = Verdicts::new(store("acme"), 8);
    let decide = |verdicts: &Verdicts, at: &str| {
        let verdict = verdicts.decide(&subject, &Policy::mods(), date(at).time()).unwrap();
        (verdict.level, verdict.by_set, verdicts.len())
    };
    let until = "2026-06-02T00:00:00Z";
    let short = set(&own, &format!("1 until={until}"));
    let (verified, untrusted) = ((TrustLevel::Verified, true, 1), (TrustLevel::Untrusted, false, 1));
    for (set, at, expected) in [
        (None, NOW, untrusted),
        (Some(set(&own, "1")), NOW, verified),
        (Some(set(&own, "9")), NOW, untrusted),
        (Some(set(&other, "1")), NOW, untrusted),
        (Some(short.clone()), NOW, verified),
        // It is kept no longer than the set's own signature lasts.
        (Some(short), until, untrusted),
        (None, NOW, untrusted),
    ] {
        verdicts.set_signed_lock(set);
        assert!(verdicts.is_empty());
        assert_eq!(decide(&verdicts, at), expected);
        assert_eq!(decide(&verdicts, at), expected, "the second time it is kept");
    }
    let mut verdicts = Verdicts::new(store("acme"), 8);
    verdicts.set_signed_lock(Some(set(&own, &format!("1 until={until}"))));
    assert_eq!(decide(&verdicts, NOW), verified);
    assert_eq!(decide(&verdicts, until), untrusted, "what was kept has come to its end");
    // Another store keeps the set.
    verdicts.set_store(store("acme two"));
    assert_eq!(decide(&verdicts, NOW), untrusted);
    verdicts.set_store(store("acme"));
    assert_eq!(decide(&verdicts, NOW), verified);
}
