//! Seeded mutations of every text that vetting reads: nothing panics, nothing is read that is not written back, and nothing is believed
//! that is not signed. The manifest and the audit log have their loops in `tests/fuzz`, too.

use std::fs;

use fastrand::Rng;
use modhost::{
    Code, Error, Policy, Stage,
    package::{Digest, Id, Index},
    resolve::{Lockfile, ModSet},
    verify::{
        Date, Envelope, KeyId, Pattern, PublicKey, Revocation, RevocationList, Revoked, SecretKey, SeenFile, StoreFile,
        TrustStore, sign_list,
    },
};

use crate::{
    damage::{refused, two_signers},
    memory::{busy, peak},
    mutate::{check, mutate},
    play::{LONGEST, MOST},
    stores::full,
    world::{NOW, area, date, key},
};

/// What is structure to a text of lines.
const LINES: &[&[u8]] = &[
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"never",
    b"0",
    b"18446744073709551615",
    b"9223372036854775807",
    b"-1",
    b"\0",
    b"\x1b[2J",
    b"modhost-signatures 2",
    b"modhost-seen 2",
    b"1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    b"9999-12-31T23:59:59Z",
    b"0000-00-00T00:00:00Z",
    b"meta a b\n",
    b"\xff\xfe",
];
/// And to TOML.
const TOML: &[&[u8]] = &[
    b"\n",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"{",
    b"}",
    b"=",
    b".",
    b"\"",
    b"'''",
    b"\"\"\"",
    b"#",
    b"\\u0000",
    b"[[key]]\n",
    b"[[revoked]]\n",
    b"[[plugin]]\n",
    b"[thresholds]\n",
    b"true",
    b"1e999",
    b"0x7fffffffffffffff",
    b"9223372036854775808",
    b"1979-05-27",
    b"\xff",
    b"nan",
    b"store = 2\n",
    b"x = 1\n",
    b"hard = false\n",
];
/// And to PEM.
const PEM: &[&[u8]] = &[
    b"-----BEGIN PUBLIC KEY-----",
    b"-----END PRIVATE KEY-----",
    b"-----",
    b"\n",
    b"\r\n",
    b"=",
    b"==",
    b"A",
    b"/",
    b"ENCRYPTED ",
    b"MC4C",
    b"\0",
    b"Proc-Type: 4,ENCRYPTED\n\n",
];

fn mutated(text: impl AsRef<[u8]>, splices: &[&[u8]], random: &mut Rng) -> Vec<u8> {
    let mut bytes = text.as_ref().to_vec();
    mutate(&mut bytes, splices, random);
    bytes
}

/// Where an API takes a text, what is no UTF-8 never comes that far.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn envelopes() {
    let world = two_signers();
    let envelope = world.envelope.clone().unwrap();
    check("envelope", "envelope", 8_000, |random| {
        let bytes = mutated(&envelope, LINES, random);
        match Envelope::parse(&bytes) {
            Err(error) => Some(error),
            Ok(read) => {
                assert_eq!(read.to_string().as_bytes(), bytes);
                // Whole blocks may be left out: what is there must hold all the same.
                let hold = read.signatures().iter().all(|one| one.holds(&world.index));
                assert_eq!(hold, !refused(&world, &world.index, &bytes));
                None
            }
        }
    });
}

#[test]
fn lists() {
    let store = full();
    let rows = [Revocation::hard(Revoked::Key(key(4).public().id()), "stolen")];
    let list = sign_list(&key(3), 4, date("2026-05-01T00:00:00Z"), date("2026-07-01T00:00:00Z"), &rows).unwrap();
    let issuer = RevocationList::parse(list.as_bytes()).unwrap();
    check("revocation list", "revocation list", 8_000, |random| {
        let read = RevocationList::parse(&mutated(&list, LINES, random));
        read.map(|read| {
            let applied = store.clone().apply_list(&read, date(NOW).time());
            assert!(read == issuer || applied.is_err(), "{read:?} is believed");
        })
        .err()
    });
}

#[test]
fn stores() {
    let store = full().to_string();
    let area = area();
    check("trust store", "trust store", 1_500, |random| {
        let read = TrustStore::parse(&text(&mutated(&store, TOML, random)), "trust.toml");
        read.map(|read| assert_eq!(TrustStore::parse(&read.to_string(), "trust.toml").unwrap(), read)).err()
    });
    let path = area.path().join("sealed");
    let replace = |there: &mut TrustStore| {
        *there = full();
        Ok(())
    };
    StoreFile::new(&path).sealed([7; 32]).update(replace).unwrap();
    let sealed = fs::read(&path).unwrap();
    check("sealed store", "sealed store", 1_000, |random| {
        let bytes = mutated(&sealed, LINES, random);
        fs::write(&path, &bytes).unwrap();
        match StoreFile::new(&path).sealed([7; 32]).load() {
            Ok(_) => {
                assert_eq!(bytes, sealed);
                None
            }
            Err(error) => Some(error),
        }
    });
}

#[test]
fn keys() {
    let (private, public) = (key(1).to_pem().unwrap(), key(1).public().to_pem().unwrap());
    check("public key", "public key in PEM", 4_000, |random| {
        PublicKey::from_pem(&text(&mutated(&public, PEM, random))).err()
    });
    check("private key", "private key in PEM", 4_000, |random| {
        let read = SecretKey::from_pem(&text(&mutated(private.as_bytes(), PEM, random)));
        // Of some bits any value is a key.
        read.map(|read| assert!(PublicKey::from_bytes(read.public().as_bytes()).is_ok())).err()
    });
}

#[test]
fn memories() {
    let area = area();
    let path = area.path().join("seen");
    let seen = format!("modhost-seen 1\ngeneration 3\ntime {NOW}\nplugin acme.fox 0.9.0\nplugin acme.wolf 1.2.0\n");
    check("memory", "memory of earlier runs", 1_500, |random| {
        let bytes = mutated(&seen, LINES, random);
        fs::write(&path, &bytes).unwrap();
        // What is read is what was there: the file has one spelling.
        SeenFile::new(&path).load().err()
    });
}

#[test]
fn sets() {
    let lock = "# Written by modhost.\nlock = 1\n\n[[plugin]]\nid = \"acme.wolf\"\nversion = \"1.2.0\"\ndigest = \"sha256:0707070707070707070707070707070707070707070707070707070707070707\"\nsource = \"wolf\"\nafter = []\n";
    assert!(lock.parse::<Lockfile>().is_ok());
    check("lockfile", "lockfile", 6_000, |random| {
        let read = text(&mutated(lock, TOML, random)).parse::<Lockfile>();
        read.map(|read| assert_eq!(read.to_string().parse::<Lockfile>().unwrap(), read)).err()
    });
    let set = ModSet::new("home", Default::default()).unwrap().to_string() + "+ acme.wolf 1.2.0\n";
    assert!(set.parse::<ModSet>().is_ok());
    check("mod set", "mod set", 6_000, |random| {
        let read = text(&mutated(&set, LINES, random)).parse::<ModSet>();
        read.map(|read| assert_eq!(read.to_string().parse::<ModSet>().unwrap(), read)).err()
    });
}

#[test]
fn policies() {
    let policy = "base = \"strict\"\nsignatures = 2\nsignature_max_age = \"30d\"\nvendors = [\"acme\"]\nprefer = [\"lua\"]\n\n[untrusted]\nadmitted = false\nmemory = \"8 MiB\"\nfuel = 100\n\n[caps]\nfile = \"1 MiB\"\n\n[groups.modders]\nplugins = 3\n";
    Policy::from_toml(policy, "policy.toml").unwrap();
    check("policy", "policy", 6_000, |random| {
        Policy::from_toml(&text(&mutated(policy, TOML, random)), "policy.toml").err()
    });
}

/// Dates, patterns, ids, digests and keys: each has one spelling.
#[test]
fn words() {
    fn one<T: std::str::FromStr + ToString>(word: &str) -> bool {
        word.parse::<T>().map(|read| assert_eq!(read.to_string(), word)).is_ok()
    }
    let digits = "07".repeat(32);
    let key = format!("ed25519:{}", &key(1).public().to_string()[8..]);
    check("words", "dates, patterns, ids, digests, keys", 20_000, |random| {
        let (good, reads): (&str, fn(&str) -> bool) = match random.u8(..6) {
            0 => (NOW, one::<Date>),
            1 => ("acme.*", one::<Pattern>),
            2 => ("acme.wolf-pack", one::<Id>),
            3 => (&digits, one::<Digest>),
            4 => (&digits, one::<KeyId>),
            _ => (&key, one::<PublicKey>),
        };
        let word = text(&mutated(good, LINES, random));
        // They give errors of their own, without a code.
        (!reads(&word)).then(|| Error::new(Code::TrustValue, Stage::Vet, "no such word"))
    });
}

/// The longest texts that are read at all, made of as many parts as there can be: no more memory and time than an attack may take.
#[test]
fn the_longest_of_each_is_read_within_bounds() {
    let fill = |head: &str, most: usize, part: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for number in 0.. {
            let part = part(number);
            if text.len() + part.len() > most {
                return text;
            }
            text += &part;
        }
        text
    };
    let area = area();
    let seen = area.path().join("seen");
    let version = "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaa";
    fs::write(&seen, fill("modhost-seen 1\ngeneration 0\n", 2 << 20, &|n| format!("plugin a{n:06} {version}\n")))
        .unwrap();
    let list = fill("modhost-files 1\nacme.wolf\n1.0.0\n", 4 << 20, &|n| format!("{} 1 f{n:05}\n", "07".repeat(32)));
    let block = |n: usize| format!("\n[[plugin]]\nid = \"a{n:06}\"\nversion = \"1.0.0\"\nsource = \"x\"\nafter = []\n");
    let lock = fill("lock = 1\n", 3 << 20, &block);
    let set = fill("modhost-set 1\nactive a\nprofile a\n", 3 << 20, &|n| format!("+ a{n:06} 1.0.0\n"));
    type Reads<'a> = (&'static str, &'a dyn Fn() -> Result<(), Error>);
    let reads: [Reads<'_>; 4] = [
        ("memory", &|| SeenFile::new(&seen).load().map(drop)),
        ("list of files", &|| Index::parse(list.as_bytes()).map(drop)),
        ("lockfile", &|| lock.parse::<Lockfile>().map(drop)),
        ("mod set", &|| set.parse::<ModSet>().map(drop)),
    ];
    for (name, read) in reads {
        // Processors that share a core slow each other down; what takes long does so each time.
        let mut took = (0..3).map(|_| {
            let begun = busy();
            let (outcome, held) = peak(read);
            assert!(outcome.is_ok() && held < MOST, "{name}: {outcome:?}, {held} bytes");
            busy().saturating_sub(begun)
        });
        assert!(took.any(|took| took < LONGEST), "{name}");
    }
}
