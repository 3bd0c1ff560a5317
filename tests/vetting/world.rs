//! The world that attacks change, and the one `check` that plays them; the package that it is about, put together without the engine's
//! writer.

use std::time::{Duration, SystemTime};

use modhost::{
    Code, Policy, TrustLevel,
    package::Id,
    verify::{
        Date, Envelope, Pattern, Role, SecretKey, SignOptions, Subject, TrustStore, TrustedKey, Verdict, judge,
        sign_index,
    },
};
use semver::Version;

use crate::build::{Part, Zip, index};

/// Keys of fixed seeds. 1 is Acme's and in the store, 2 a reviewer's, which may vouch for everybody; 9 is nobody's.
pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

pub(crate) fn trusted(seed: u8, namespace: &str) -> TrustedKey {
    TrustedKey::new(key(seed).public(), format!("key {seed}"), [pattern(namespace)])
}

pub(crate) fn root(seed: u8, namespace: &str) -> TrustedKey {
    let mut key = trusted(seed, namespace);
    key.roles = [Role::Delegate].into();
    key
}

/// The day on which everything happens that says nothing else.
pub(crate) const NOW: &str = "2026-06-01T00:00:00Z";

/// A package, who judges it, and when.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) id: Id,
    pub(crate) version: Version,
    /// What `main.lua` holds.
    pub(crate) source: String,
    pub(crate) index: Vec<u8>,
    pub(crate) envelope: Option<String>,
    pub(crate) store: TrustStore,
    pub(crate) policy: Policy,
    pub(crate) now: SystemTime,
}

impl World {
    /// acme.wolf 1.0.0, signed by Acme: verified.
    pub(crate) fn new() -> Self {
        let mut store = TrustStore::default();
        store.add_key(trusted(1, "acme.*")).unwrap();
        store.add_key(trusted(2, "*")).unwrap();
        let mut world = World {
            id: Id::new("acme.wolf").unwrap(),
            version: Version::new(1, 0, 0),
            source: "function howl() return 'awoo' end\n".into(),
            index: Vec::new(),
            envelope: None,
            store,
            policy: Policy::mods(),
            now: date(NOW).time(),
        };
        world.index = world.listed();
        let signature = sign_index(&world.index, &key(1), options("Acme")).unwrap();
        world.envelope = Some(Envelope::of(signature).to_string());
        world
    }

    /// Another plugin in it, with this script, signed by these keys.
    pub(crate) fn of(id: &str, version: &str, source: &str, seeds: &[u8]) -> Self {
        let (id, version) = (Id::new(id).unwrap(), version.parse().unwrap());
        let mut world = World { id, version, source: source.into(), envelope: None, ..World::new() };
        world.index = world.listed();
        if !seeds.is_empty() {
            world.signed_by(seeds);
        }
        world
    }

    /// Its files.
    pub(crate) fn files(&self) -> [(&'static str, Vec<u8>); 2] {
        let manifest = format!("[plugin]\nid = \"{}\"\nversion = \"{}\"\n", self.id, self.version);
        [("main.lua", self.source.clone().into_bytes()), ("plugin.toml", manifest.into_bytes())]
    }

    /// The list of its files, as it ought to be.
    pub(crate) fn listed(&self) -> Vec<u8> {
        let files = self.files();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, &bytes[..])).collect();
        index(self.id.as_str(), &self.version.to_string(), &files).into_bytes()
    }

    /// The package, with its list and its signatures as they are.
    pub(crate) fn packed(&self) -> Vec<u8> {
        let files = self.files();
        let meta = [("META/files", &self.index[..])].into_iter();
        let meta = meta.chain(self.envelope.as_deref().map(|text| ("META/signatures", text.as_bytes())));
        let parts = meta.chain(files.iter().map(|(path, bytes)| (*path, &bytes[..])));
        Zip::of(parts.map(|(path, bytes)| Part::new(path, bytes)).collect()).bytes()
    }

    /// The same signed by these keys instead.
    pub(crate) fn signed_by(&mut self, seeds: &[u8]) {
        self.sign_with(seeds, |_| {});
    }

    pub(crate) fn sign_with(&mut self, seeds: &[u8], change: impl Fn(&mut SignOptions)) {
        let sign = |seed: &u8| {
            let mut said = options(&format!("key {seed}"));
            change(&mut said);
            sign_index(&self.index, &key(*seed), said).unwrap()
        };
        let mut signatures = seeds.iter().map(sign);
        let mut envelope = Envelope::of(signatures.next().unwrap());
        for signature in signatures {
            envelope.add(signature).unwrap();
        }
        self.envelope = Some(envelope.to_string());
    }

    /// Another id, signed again by the same first key.
    pub(crate) fn renamed(&mut self, id: &str, seeds: &[u8]) {
        self.id = Id::new(id).unwrap();
        self.index = self.listed();
        self.signed_by(seeds);
    }

    /// Puts one text in the place of another in the envelope, which must hold it.
    pub(crate) fn edit(&mut self, from: &str, to: &str) {
        let envelope = self.envelope.take().unwrap();
        assert!(envelope.contains(from), "{envelope} has no {from:?}");
        self.envelope = Some(envelope.replacen(from, to, 1));
    }

    pub(crate) fn later(&mut self, days: u64) {
        self.now += Duration::from_secs(days * 86_400);
    }

    pub(crate) fn judge(&self) -> Verdict {
        let envelope = self.envelope.as_deref().map(str::as_bytes);
        let subject = Subject { id: &self.id, version: &self.version, index: &self.index, envelope };
        judge(&subject, &self.store, &self.policy, self.now)
    }
}

/// A folder, in memory where there is such a place: what a host waits for the disk says nothing of an attack.
pub(crate) fn area() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn options(signer: &str) -> SignOptions {
    SignOptions::new(signer)
}

/// A name, what changes the world, and what must come of it.
pub(crate) type Case = (&'static str, fn(&mut World), Result<TrustLevel, Code>);

/// Plays every case, and says how many there were.
#[track_caller]
pub(crate) fn check(cases: &[Case]) {
    let good = World::new();
    let text = good.store.to_string();
    let mut wrong = Vec::new();
    for (name, change, expected) in cases {
        let mut world = good.clone();
        change(&mut world);
        let verdict = world.judge();
        let found = match verdict.errors.first() {
            None => Ok(verdict.level),
            Some(error) => Err(error.code),
        };
        if found != *expected {
            wrong.push(format!("{name}: {found:?}, wanted {expected:?}: {verdict:#?}"));
        }
        // What is refused is refused as an error of that plugin, too, and is nothing but untrusted.
        if let Err(code) = expected {
            assert_eq!(verdict.level, TrustLevel::Untrusted, "{name}");
            let error = verdict.accept(&world.id).unwrap_err();
            assert_eq!((error.code(), error.plugin()), (*code, Some(world.id.as_str())), "{name}");
        }
        assert_eq!(good.judge().level, TrustLevel::Verified, "after {name}");
        assert_eq!(good.store.to_string(), text, "after {name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} cases", cases.len());
}
