//! Mutated manifests: whatever the bytes, the answer is a manifest or a placed error, never a panic.

use crate::package::Manifest;

/// Manifests that between them use every table.
const SEEDS: [&str; 3] = [
    "manifest = 1\n[plugin]\nid = \"wolfpack\"\nversion = \"0.3.1\"\ndescription = \"W\u{f6}lfe\"\nauthors = [\"A\"]\n\
     engine = \"^0.1\"\ndepends = [\"? fancy >= 1.2\", \"! bad\", \"~ shared\", \"(?) hid\"]\n[entry]\nlua = \"main.lua\"\n\
     native.linux-x86_64 = \"libw.so\"\n[requires]\nworld = \"^1.0\"\n",
    "plugin = {id = 'a.b', version = '1.0.0'}\n[dependencies]\nbase = '^1.2'\nx = { version = '*', optional = true }\n\
     'acme.y' = { version = \"1\", order = false }\n[provides]\nweather = '1.0.0'\n[conflicts]\nold = '>=1, <2'\n\
     [any-of]\nmobs = [\"redo ^2\", \"simple\"]\n[dev-dependencies]\nm = '1'\n",
    "[plugin]\nid = '''w'''\nversion = \"\"\"1.0.0\"\"\"\n[capabilities]\nrequired = [\"a.b\"]\noptional = [\"log\"]\n\
     [events]\nlisten = [\"dusk\"]\n[limits]\nfuel = 200_000\nmemory = \"8MiB\"\ndeadline = \"2ms\"\ncall_depth = 0x10\n\
     [settings]\nx = [1.5, {y = 1979-05-27T07:32:00Z}, [[]]]\n",
];

/// Text that mutations splice in: what is structure to TOML, to versions and to quantities.
const SPLICES: [&[u8]; 24] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b".",
    b"=",
    b",",
    b"\"",
    b"'",
    b"\"\"\"",
    b"'''",
    b"\n",
    b"\r",
    b"#",
    b"\\u0000",
    b"\xff",
    b"\xc3",
    b"-",
    b"18446744073709551616",
    b"\xe2\x80\xae",
    b"[[",
    b"a.b.c.d.e",
    b"\0",
    b">=1,<",
];

/// A small generator, so that a failure is found again from its number.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) % most.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(12)).min(bytes.len());
    match random.below(9) {
        5..9 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 => drop(bytes.drain(at..end)),
        2 => drop(bytes.splice(at..at, SPLICES[random.below(SPLICES.len())].to_vec())),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = random.below(bytes.len() + 1);
            drop(bytes.splice(to..to, copy));
        }
        4 => drop(bytes.splice(at..end, SPLICES[random.below(SPLICES.len())].to_vec())),
        _ => drop(bytes.splice(at..at, SPLICES[random.below(SPLICES.len())].repeat(1 + random.below(200)))),
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let (mut read, mut refused) = (0, 0);
    for number in 0..10_000u64 {
        let mut random = Random(number);
        let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            mutate(&mut bytes, &mut random);
        }
        match Manifest::parse(&bytes) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                let at = error.at().unwrap_or_else(|| panic!("mutation {number} has no place: {error}"));
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
                assert!(at.line.is_some_and(|line| line >= 1 && line <= lines), "mutation {number}: {error}");
                assert!(at.column.is_some_and(|column| column >= 1), "mutation {number}: {error}");
                assert!(error.message().chars().all(|c| !c.is_control()), "mutation {number}: {error:?}");
            }
        }
    }
    println!("10000 mutations: {read} read, {refused} refused");
    assert!(read > 300 && refused > 500, "the mutations are one-sided: {read} read, {refused} refused");
}

/// Every prefix of a manifest is answered too: files that were cut off.
#[test]
fn no_cut_makes_it_panic() {
    for seed in SEEDS {
        assert!(Manifest::parse(seed.as_bytes()).is_ok(), "{seed}");
        for end in 0..seed.len() {
            if let Err(error) = Manifest::parse(&seed.as_bytes()[..end]) {
                assert!(error.at().is_some(), "cut at {end}: {error}");
            }
        }
    }
}
