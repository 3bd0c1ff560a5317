//! What vetting costs: `cargo bench --bench verify`, with `-- large` or `-- small` one of the two tables only.
//!
//! A package of 20 MB, read from its file, opened and judged, against no more than reading, inflating (flate2, as the engine does) and hashing
//! the same bytes: the two take turns. Then a thousand small signed packages, judged the first time, a second time, and under one signed
//! lockfile; medians of rounds that alternate, in microseconds a package.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::Path,
    time::{Instant, SystemTime},
};

use flate2::{Decompress, FlushDecompress, Status};
use modhost::{
    Engine, Policy, TrustLevel,
    package::{Algorithm, Caps, Package},
    resolve::Lockfile,
    verify::{
        Envelope, SecretKey, SignOptions, SignedLock, Subject, TrustStore, TrustedKey, Verdicts, sign_index, sign_lock,
    },
};
use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 15;
/// How many of the small ones.
const SMALL: usize = 1000;
/// About the size of the large one, in bytes.
const LARGE: usize = 20_000_000;

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn store() -> TrustStore {
    let mut store = TrustStore::default();
    store.add_key(TrustedKey::new(key().public(), "Acme", ["acme.*".parse().unwrap()])).unwrap();
    store
}

/// Numbers that look like none: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// A script: words of a language, names and numbers; packs to about a third.
fn script(random: &mut Random, bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "local",
        "function",
        "end",
        "if",
        "then",
        "return",
        "world.spawn",
        "unit",
        "hp",
        "speed",
        "for",
        "in",
        "pairs",
        "do",
        "else",
        "nil",
    ];
    let mut text = String::new();
    while text.len() < bytes {
        match random.below(8) {
            0 => text.push_str("\n    "),
            1 => drop(write!(text, "name_{:x} ", random.below(1 << 24))),
            2 => drop(write!(text, "= {} ", random.below(100_000))),
            word => drop(write!(text, "{} ", WORDS[(word as usize * 2 + random.below(2) as usize) % WORDS.len()])),
        }
    }
    text.into_bytes()
}

/// A picture or a sound in a format that is packed already, with the zeroes of a raw one here and there; packs to about two thirds.
fn asset(random: &mut Random, bytes: usize) -> Vec<u8> {
    let mut asset = Vec::with_capacity(bytes + 64);
    while asset.len() < bytes {
        match random.below(3) {
            0 => asset.extend([random.next() as u8; 64]),
            _ => (0..8).for_each(|_| asset.extend(random.next().to_le_bytes())),
        }
    }
    asset
}

/// A signed package of `id` with these files beside its manifest and main chunk.
fn signed(id: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let area = tempfile::tempdir().unwrap();
    fs::write(area.path().join("plugin.toml"), format!("[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\n")).unwrap();
    fs::write(area.path().join("main.lua"), format!("function howl() return '{id}' end")).unwrap();
    for (path, bytes) in files {
        let path = area.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let caps = Caps::default();
    let package = Package::open(area.path(), &caps).unwrap();
    let signature = sign_index(package.index().as_bytes(), &key(), SignOptions::new("Acme")).unwrap();
    let envelope = Envelope::of(signature).to_string();
    package.pack(Algorithm::Sha256, Some(envelope.as_bytes()), &caps).unwrap().bytes
}

/// A number of a zip's record.
fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// What cannot be done with less: reads the file, inflates each entry to where it is used from, and hashes it. It looks at nothing.
fn raw(path: &Path) -> Vec<(Vec<u8>, [u8; 32])> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut files) = (0, Vec::new());
    while bytes[at..].starts_with(b"PK\x03\x04") {
        let (method, packed, size) =
            (number(&bytes, at + 8, 2), number(&bytes, at + 18, 4), number(&bytes, at + 22, 4));
        let data = at + 30 + number(&bytes, at + 26, 2) + number(&bytes, at + 28, 2);
        let entry = &bytes[data..data + packed];
        let file = if method == 8 {
            let mut place = vec![0; size];
            let status = Decompress::new(false).decompress(entry, &mut place, FlushDecompress::Finish).unwrap();
            assert_eq!(status, Status::StreamEnd);
            place
        } else {
            entry.to_vec()
        };
        let digest = Sha256::digest(&file).into();
        files.push((file, digest));
        at = data + packed;
    }
    files
}

/// Opens the package at `path` and judges it.
fn vetted(path: &Path, verdicts: &Verdicts) -> (Package, TrustLevel) {
    let package = Package::open(path, &Caps::default()).unwrap();
    let level = judged(&package, verdicts);
    (package, level)
}

fn judged(package: &Package, verdicts: &Verdicts) -> TrustLevel {
    let (index, envelope) = (package.index().as_bytes(), package.envelope());
    let subject = Subject { id: package.id(), version: package.version(), index, envelope };
    verdicts.decide(&subject, &Policy::mods(), SystemTime::now()).unwrap().level
}

/// How many milliseconds of a processor this thread had so far, where the system tells; it counts in steps of some.
fn used() -> Option<f64> {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(told.split(' ').next()?.parse::<f64>().ok()? / 1e6)
}

/// How many milliseconds `f` takes.
fn timed<T>(samples: &mut Vec<f64>, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = f();
    samples.push(start.elapsed().as_secs_f64() * 1000.0);
    result
}

/// The same, and of a processor: what others on the machine do matters less there. Opening and judging is one thread's work.
fn both<T>(samples: &mut [Vec<f64>; 2], f: impl FnOnce() -> T) -> T {
    let before = used();
    let [elapsed, processor] = samples;
    let result = timed(elapsed, f);
    processor.push(used().zip(before).map_or(f64::NAN, |(after, before)| after - before));
    result
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The median of the rounds' ratios, and their range.
fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    ratios.sort_by(f64::total_cmp);
    format!("{:.3} ({:.3}-{:.3})", ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1])
}

fn large() {
    let mut random = Random(20_261_121);
    let area = tempfile::tempdir().unwrap();
    println!(
        "| a package of about 20 MB | files | packed, MB | unpacked, MB | raw, ms | vetted, ms | ratio | of processor time |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (name, total, count) in [("packed", 2 * LARGE, 400), ("unpacked", LARGE, 400)] {
        let files: Vec<(String, Vec<u8>)> = (0..count)
            .map(|n| match n % 4 {
                0 | 1 => (format!("scripts/{n:03}.lua"), script(&mut random, total / count)),
                _ => (format!("assets/{n:03}.png"), asset(&mut random, total / count)),
            })
            .collect();
        let packed = signed("acme.large", &files);
        let path = area.path().join(format!("{name}.modpkg"));
        fs::write(&path, &packed).unwrap();
        let (mut theirs, mut ours): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
        for round in 0..=ROUNDS {
            black_box(both(&mut theirs, || raw(&path)));
            let (package, level) = both(&mut ours, || vetted(&path, &Verdicts::new(store(), 1)));
            assert_eq!((package.files().iter().count(), level), (files.len() + 2, TrustLevel::Verified));
            if round == 0 {
                // It warms up.
                theirs.iter_mut().chain(&mut ours).for_each(Vec::clear);
            }
        }
        let unpacked: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        println!(
            "| {name} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {} |",
            files.len() + 2,
            packed.len() as f64 / 1e6,
            unpacked as f64 / 1e6,
            median(theirs[0].clone()),
            median(ours[0].clone()),
            ratio(&ours[0], &theirs[0]),
            ratio(&ours[1], &theirs[1]),
        );
    }
}

fn small() {
    let area = tempfile::tempdir().unwrap();
    for n in 0..SMALL {
        let file = format!("acme.mod{n:04}-1.0.0.modpkg");
        fs::write(area.path().join(file), signed(&format!("acme.mod{n:04}"), &[])).unwrap();
    }
    let open = || -> Vec<Package> {
        let packages = modhost::package::discover(area.path(), &Caps::default()).unwrap();
        packages.into_iter().map(Result::unwrap).collect()
    };
    let packages = open();
    let plan = Engine::builder().build().unwrap().resolver(&packages).plan();
    let lockfile = Lockfile::of(&plan).to_string();
    let envelope = Envelope::of(sign_lock(lockfile.as_bytes(), &key(), SignOptions::new("Acme")).unwrap()).to_string();
    let read = || SignedLock::read(lockfile.as_bytes(), envelope.as_bytes()).unwrap();
    let all = |packages: &[Package], verdicts: &Verdicts| {
        assert!(packages.iter().all(|package| judged(package, verdicts) == TrustLevel::Verified));
    };
    let engine = |set: Option<SignedLock>| {
        let builder = Engine::builder().policy(Policy::mods()).trust_store(store());
        set.into_iter().fold(builder, modhost::Builder::signed_lock).build().unwrap()
    };
    let discovered = |engine: &Engine| {
        let found = engine.loading().dir(area.path()).discover().unwrap();
        assert_eq!((found.packages().len(), found.refused().len()), (SMALL, 0));
    };
    const ROWS: [&str; 8] = [
        "read and opened",
        "judged, cold",
        "judged a second time",
        "judged under a signed lockfile, that read",
        "the signed lockfile read and verified",
        "discovered by an engine, cold",
        "discovered a second time",
        "discovered under a signed lockfile",
    ];
    let mut times: [Vec<f64>; 8] = Default::default();
    for _ in 0..ROUNDS {
        let [opened, cold, cached, by_set, reading, first, second, under] = &mut times;
        let packages = timed(opened, open);
        let mut verdicts = Verdicts::new(store(), 4096);
        timed(cold, || all(&packages, &verdicts));
        timed(cached, || all(&packages, &verdicts));
        let set = timed(reading, read);
        verdicts.set_signed_lock(Some(set));
        timed(by_set, || all(&packages, &verdicts));
        let alone = engine(None);
        timed(first, || discovered(&alone));
        timed(second, || discovered(&alone));
        // Reading the set is in it.
        timed(under, || discovered(&engine(Some(read()))));
    }
    println!("\n| {SMALL} small signed packages | us a package |");
    println!("|---|---:|");
    for (name, times) in ROWS.into_iter().zip(times) {
        println!("| {name} | {:.1} |", median(times) * 1000.0 / SMALL as f64);
    }
}

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    if only.as_deref().is_none_or(|only| only == "large") {
        large();
    }
    if only.as_deref().is_none_or(|only| only == "small") {
        small();
    }
}
