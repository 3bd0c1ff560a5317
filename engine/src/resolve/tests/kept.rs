//! Lockfiles and mod sets: what is written is read back, and nothing else is.

use super::{super::*, plugin, resolver};
use crate::Code;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn wolf(version: &str, byte: u8) -> Candidate {
    plugin("wolf", version, "[dependencies]\nbase = \"*\"").with_digest(digest(byte))
}

fn base() -> Candidate {
    plugin("base", "1.0.0", "").with_digest(digest(7))
}

fn lock() -> Lockfile {
    Lockfile::of(&Resolver::new(vec![wolf("1.0.0", 1), base()]).plan())
}

#[test]
fn a_lockfile_is_written_block_by_block() {
    let (one, seven) = (digest(1), digest(7));
    assert_eq!(
        lock().to_string(),
        format!(
            "# Written by modhost: one block a plugin, by id. The load order follows from `after`.\nlock = 1\n\n\
             [[plugin]]\nid = \"base\"\nversion = \"1.0.0\"\ndigest = \"{seven}\"\nsource = \"base-1.0.0\"\nafter = []\n\n\
             [[plugin]]\nid = \"wolf\"\nversion = \"1.0.0\"\ndigest = \"{one}\"\nsource = \"wolf-1.0.0\"\nafter = [\"base\"]\n"
        )
    );
    let odd = Candidate::plain("odd".parse().unwrap(), "1.0.0".parse().unwrap(), "a \"b\\c\u{1}\n.lua");
    let lock = Lockfile::of(&Resolver::new(vec![odd]).plan());
    assert_eq!(lock.to_string().parse::<Lockfile>().unwrap(), lock);
    assert!(lock.to_string().parse::<toml::Table>().is_ok(), "it is TOML");
}

#[test]
fn drift_is_refused_and_named() {
    let check = |candidates: Vec<Candidate>, expected: &str| {
        let plan = Resolver::new(candidates).prefer(lock()).plan();
        let told = lock().check(&plan).err().map(|error| {
            assert_eq!(error.code(), Code::ResolveLocked);
            error.message().to_owned()
        });
        assert_eq!(told.unwrap_or_default(), expected);
    };
    check(vec![wolf("1.0.0", 1), base()], "");
    check(vec![wolf("1.0.0", 1), wolf("1.5.0", 2), base()], "");
    check(vec![wolf("1.5.0", 2), base()], "the lockfile holds wolf 1.0.0, and 1.5.0 is taken");
    check(vec![wolf("1.0.0", 2), base()], "wolf 1.0.0 holds other files than when it was locked");
    check(vec![base()], "wolf 1.0.0 is in the lockfile and cannot be taken");
    check(vec![wolf("1.0.0", 1), base(), plugin("aaa", "1.0.0", "")], "aaa 1.0.0 is not in the lockfile");
    check(vec![wolf("1.0.0", 1)], "base 1.0.0 is in the lockfile and cannot be taken; and 1 more");
    let loose = plugin("wolf", "1.0.0", "").with_digest(digest(1));
    check(vec![loose, base()], "wolf is loaded after others than when it was locked");
}

#[test]
fn a_lockfile_is_read_strictly() {
    let good = lock().to_string();
    assert_eq!(good.parse::<Lockfile>().unwrap(), lock());
    assert_eq!(good.replace('\n', "\r\n").parse::<Lockfile>().unwrap(), lock());
    for (from, to, line) in [
        ("lock = 1", "lock = 2", 2),
        ("lock = 1\n\n[[plugin]]\n", "lock = 1\n", 3),
        ("id = \"base\"", "id = \"Base\"", 5),
        ("id = \"base\"", "id = base", 5),
        ("id = \"base\"", "id = \"wolf\"", 11),
        ("id = \"base\"", "id = \"zebra\"", 11),
        ("id = \"base\"\n", "", 4),
        ("id = \"base\"", "id = \"base\"\nid = \"base\"", 6),
        ("version = \"1.0.0\"\ndigest = \"sha256:07", "version = \"1.0\"\ndigest = \"sha256:07", 6),
        ("sha256:07", "sha256:0", 7),
        ("sha256:07", "sha256:0G", 7),
        ("sha256:07", "md5:07", 7),
        ("after = []", "after = [base]", 9),
        ("after = []", "after = ", 9),
        ("after = []", "", 4),
        ("after = []", "before = []", 9),
        ("after = []", "<<<<<<< ours", 9),
        ("after = []", "after = [\"\\x\"]", 9),
        ("source = \"base-1.0.0\"", "source = \"a\"b\"", 8),
    ] {
        let error = good.replacen(from, to, 1).parse::<Lockfile>().expect_err(to);
        assert_eq!(
            (error.code(), error.at().and_then(|at| at.line)),
            (Code::PackageLockfile, Some(line)),
            "{to}: {error}"
        );
    }
    assert_eq!("".parse::<Lockfile>().unwrap_err().code(), Code::PackageLockfile);
}

#[test]
fn a_mod_set_recreates_the_set() {
    let here = vec![wolf("1.0.0", 1), base(), plugin("owl", "2.0.0", "").with_digest(digest(3))];
    let mut home = Profile::of(&Resolver::new(here.clone()).plan());
    let mut set = ModSet::new("home", home.clone()).unwrap();
    assert!(home.set_enabled("owl", false) && !home.set_enabled("nobody", true));
    set.insert("hard", home).unwrap();
    assert!(set.activate("hard") && !set.activate("none") && !set.remove("hard"));
    assert_eq!(set.insert("No!", Profile::default()).unwrap_err().code(), Code::PackageModSet);
    let text = set.to_string();
    let there: ModSet = text.parse().unwrap();
    assert_eq!((&there, there.to_string()), (&set, text));
    assert_eq!(there.names().collect::<Vec<_>>(), ["hard", "home"]);

    // The other machine has more, and newer ones.
    let more = [&here[..], &[wolf("1.5.0", 2), plugin("zebra", "1.0.0", "")]].concat();
    let selection = there.active().select(&more);
    selection.check().unwrap();
    assert_eq!(selection.disabled, ["owl"]);
    assert_eq!(Resolver::new(selection.candidates).plan().to_string(), "base 1.0.0\nwolf 1.0.0");

    let absent = |candidates: &[Candidate]| there.active().select(candidates).check().unwrap_err();
    let error = absent(&[base(), wolf("1.0.0", 9)]);
    assert_eq!(error.code(), Code::ResolveLocked);
    assert_eq!(error.message(), "the set holds wolf 1.0.0, and that which is there holds other files");
    assert_eq!(absent(&[base(), wolf("1.5.0", 1)]).message(), "the set holds wolf 1.0.0, and only 1.5.0 is there");
    assert_eq!(absent(&[]).message(), "the set holds base 1.0.0, and it is not there; and 1 more");
}

#[test]
fn a_mod_set_is_read_strictly() {
    let good = "modhost-set 1\nactive home\n\nprofile home\n+ base 1.0.0\n- owl 2.0.0\n";
    assert_eq!(good.parse::<ModSet>().unwrap().to_string(), good);
    for (from, to, line) in [
        ("modhost-set 1", "modhost-set 2", Some(1)),
        ("active home\n", "", Some(3)),
        ("active home", "active away", Some(2)),
        ("profile home", "profile Home", Some(4)),
        ("profile home\n", "", Some(4)),
        ("+ base", "* base", Some(5)),
        ("+ base", "+ Base", Some(5)),
        ("+ base 1.0.0", "+ base 1.0", Some(5)),
        ("+ base 1.0.0", "+ base 1.0.0 sha1:0", Some(5)),
        ("+ base 1.0.0", "+ base  1.0.0", Some(5)),
        ("- owl", "- base", Some(6)),
        (good, "", None),
        (good, "modhost-set 1", None),
    ] {
        let error = good.replacen(from, to, 1).parse::<ModSet>().expect_err(to);
        assert_eq!((error.code(), error.at().and_then(|at| at.line)), (Code::PackageModSet, line), "{to}: {error}");
    }
}

/// Texts cut and changed at random places are read or refused; nothing panics, and what is read is written again the same.
#[test]
fn damaged_texts_never_panic() {
    let mut random = super::random::Random::new(11);
    let lock = lock().to_string();
    let set = "modhost-set 1\nactive home\n\nprofile home\n+ base 1.0.0\n- owl 2.0.0\n".to_owned();
    let scraps = ["\"", "\\", "\\u00", "[", "]", " = ", "\n", "\u{1F43A}", "plugin", "sha256:", "+ ", "\0"];
    for _ in 0..20_000 {
        for text in [&lock, &set] {
            let mut chars: Vec<char> = text.chars().collect();
            for _ in 0..1 + random.below(3) {
                let at = random.below(chars.len() as u64) as usize;
                match random.below(3) {
                    0 => chars.truncate(at.max(1)),
                    1 => {
                        chars.remove(at);
                    }
                    _ => {
                        let scrap = random.pick(&scraps);
                        chars.splice(at..at, scrap.chars());
                    }
                }
                if chars.is_empty() {
                    chars.push('x');
                }
            }
            let text: String = chars.into_iter().collect();
            if let Ok(lock) = text.parse::<Lockfile>() {
                assert_eq!(lock.to_string().parse::<Lockfile>().unwrap(), lock);
            }
            if let Ok(set) = text.parse::<ModSet>() {
                assert_eq!(set.to_string().parse::<ModSet>().unwrap(), set);
            }
        }
    }
    assert!(resolver(&[]).plan().is_whole());
}
