//! Damage to a committed corpus of encodings: every truncation and every changed byte gives a value or an error, never a
//! panic, and never allocates more than the input or the limits can justify.
//!
//! `CORPUS=write cargo test -p modhost-abi --test corpus` writes the files anew.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    env, fs,
    path::PathBuf,
};

use modhost_abi::{Handle, Map, NODE_BYTES, Value, ValueLimits, codec};
use support::{AMPLE, check, encoded};

/// Counts what each thread asks of the system's allocator.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    ALLOCATED.with(|allocated| allocated.set(allocated.get() + bytes as u64));
}

// SAFETY: every call goes to `System` unchanged, which keeps the contract; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: `block` came from `System` with this layout; the caller keeps the rest of the contract.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// All bytes that decoding allocates, freed again or not.
fn allocated_by_decoding(bytes: &[u8], limits: ValueLimits) -> u64 {
    let before = ALLOCATED.get();
    drop(codec::decode(bytes, limits));
    ALLOCATED.get() - before
}

/// What the files hold, by name; the ones named `bad-` are refused.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let list = |items: Vec<Value>| encoded(&Value::List(items));
    let record = |hp: i64, name: &str| {
        Value::Map(Map::from_iter([
            ("alive", Value::Bool(hp > 0)),
            ("hp", Value::Int(hp)),
            ("name", Value::from(name)),
            ("pos", Value::List(vec![Value::Float(1.5), Value::Float(-0.0)])),
        ]))
    };
    let lengths = [0_usize, 1, 127, 128, 300].map(|length| Value::from("x".repeat(length)));
    let ints = (0..64).flat_map(|bits| [1_i64 << bits, (1_i64 << bits).wrapping_sub(1), i64::MIN >> bits]);
    let floats = [0.0, -0.0, 1.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let handle = |kind, slot, generation| Value::Handle(Handle { kind, slot, generation });
    // Each level claims that all the rest of the input are its elements.
    let claims = (0..100).rev().flat_map(|rest| [7, rest]);
    vec![
        ("arguments", list(vec![Value::Int(40), Value::Int(2)])),
        ("bad-claims", [codec::FORMAT].into_iter().chain(claims).collect()),
        ("bad-count", [&[codec::FORMAT, 7][..], &[255; 9], &[1]].concat()),
        ("bad-length", [&[codec::FORMAT, 5][..], &[255; 9], &[1]].concat()),
        ("bytes", encoded(&Value::Bytes((0..=255).collect()))),
        ("deep", encoded(&(1..ValueLimits::DEEPEST).fold(Value::Nil, |inner, _| Value::List(vec![inner])))),
        ("empty", list(vec![Value::List(vec![]), Value::Map(Map::new()), Value::from(""), Value::Bytes(vec![])])),
        ("floats", list(floats.map(Value::Float).to_vec())),
        ("handles", list(vec![handle(0, 0, 0), handle(1, 7, 2), handle(u32::MAX, u32::MAX, u32::MAX)])),
        ("ints", list(ints.map(Value::Int).collect())),
        ("lengths", list(lengths.to_vec())),
        ("record", encoded(&record(12, "wolf"))),
        ("records", list((0..20).map(|hp| record(hp * 1000, "wölfin")).collect())),
        ("scalars", list(vec![Value::Nil, Value::Bool(false), Value::Bool(true), Value::Int(-7), Value::from("ok")])),
        ("texts", list(["", "a", "ß", "日本語", "\u{10ffff}", "\0", "🐺 wolf"].map(Value::from).to_vec())),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[test]
fn the_files_are_what_the_codec_writes() {
    let corpus = corpus();
    for (name, bytes) in &corpus {
        let path = folder().join(name).with_extension("bin");
        if env::var_os("CORPUS").is_some_and(|how| how == "write") {
            fs::write(&path, bytes).unwrap();
        }
        let kept = fs::read(&path).unwrap_or_else(|error| panic!("{name}.bin: {error}"));
        assert!(kept == *bytes, "{name}.bin: the format has changed; a change of format needs another first byte");
    }
    assert_eq!(fs::read_dir(folder()).unwrap().count(), corpus.len(), "a file that nothing makes");
}

#[test]
fn the_files_decode_or_are_refused_as_they_should() {
    for (name, bytes) in corpus() {
        assert_eq!(check(&bytes, AMPLE), !name.starts_with("bad-"), "{name}");
    }
}

/// Decodes with and without limits and holds both to what they may allocate.
fn frugal(name: &str, bytes: &[u8]) {
    check(bytes, AMPLE);
    let allocated = allocated_by_decoding(bytes, AMPLE);
    let most = NODE_BYTES * bytes.len() as u64;
    assert!(allocated <= most, "{name}: {} bytes made it allocate {allocated}: {bytes:x?}", bytes.len());

    let limits = ValueLimits { depth: 4, bytes: 320 };
    let allocated = allocated_by_decoding(bytes, limits);
    assert!(allocated <= 2 * limits.bytes, "{name}: a limit of 320 bytes let it allocate {allocated}: {bytes:x?}");
}

#[test]
fn every_truncation_is_refused() {
    for (name, bytes) in corpus() {
        for length in 0..bytes.len() {
            frugal(name, &bytes[..length]);
            assert!(codec::decode(&bytes[..length], AMPLE).is_err(), "{name}: {length} bytes suffice");
        }
    }
}

#[test]
fn every_changed_byte_gives_a_value_or_an_error() {
    for (name, mut bytes) in corpus() {
        // All other values in small files, single bits in large ones.
        let changes: Vec<u8> =
            if bytes.len() <= 320 { (1..=255).collect() } else { (0..8).map(|bit| 1 << bit).collect() };
        for at in 0..bytes.len() {
            for change in &changes {
                bytes[at] ^= change;
                frugal(name, &bytes);
                bytes[at] ^= change;
            }
        }
    }
}
