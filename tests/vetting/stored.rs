//! The file of a trust store, attacked as a file: cut, exchanged, sealed, exhausted. Its text is attacked in `stores.rs`.

use modhost::verify::{Delegation, Role, TrustStore};

use crate::{
    play::host_store,
    table::Attack,
    world::{key, root, trusted},
};

fn attack(name: &str, code: &str, steps: &[&str]) -> Attack {
    Attack::new("store", name, code, steps).with("trust.toml", host_store().to_string())
}

/// As many delegations as a store holds, each with four ways up on each of three levels, and none of them ends at a root that may give so
/// much: every way has to be tried.
fn labyrinth() -> TrustStore {
    let mut store = TrustStore::default();
    for by in 60..64 {
        store.add_key(root(by, "*")).unwrap();
    }
    for (from, to) in [(60, 64), (64, 68)] {
        for by in from..from + 4 {
            for below in to..to + 4 {
                store.delegate(Delegation::sign(&key(by), trusted(below, "*")).unwrap()).unwrap();
            }
        }
    }
    store
}

pub(crate) fn attacks() -> Vec<Attack> {
    let text = host_store().to_string();
    let numbered = |number: u64| text.replace("generation = 0", &format!("generation = {number}"));
    let mut role = host_store();
    let mut issuer = trusted(3, "*");
    issuer.roles = [Role::Revoke].into();
    role.add_key(issuer).unwrap();
    vec![
        attack(
            "cut in the midst of a key",
            "trust.missing-field",
            &[&format!("cut trust.toml {}", text.len() / 2 + 3), "store trust.toml -> trust.missing-field"],
        ),
        attack(
            "emptied",
            "trust.missing-field",
            &[&format!("cut trust.toml {}", text.len()), "store trust.toml -> trust.missing-field"],
        ),
        attack("zeros behind it", "trust.syntax", &["grow trust.toml 16", "store trust.toml -> trust.syntax"]),
        attack(
            "grown beyond every cap",
            "trust.syntax",
            &["grow trust.toml 8589934592", "store trust.toml -> trust.syntax"],
        ),
        attack("a folder in its place", "io.failed", &["folder trust.toml", "store trust.toml -> io.failed"]),
        attack(
            "a pipe in its place",
            "io.failed",
            &["pipe trust.toml", "store trust.toml -> io.failed", "update trust.toml -> io.failed"],
        ),
        attack(
            "a device that never ends in its place",
            "io.failed",
            &["link /dev/zero trust.toml", "store trust.toml -> io.failed"],
        ),
        attack(
            "a link to nothing in its place",
            "io.not-found",
            &["link nothing trust.toml", "store trust.toml -> io.not-found"],
        ),
        attack(
            "a package in its place",
            "trust.syntax",
            &["copy good.modpkg trust.toml", "store trust.toml -> trust.syntax"],
        ),
        attack(
            "a pipe in the place of its lock",
            "io.failed",
            &["pipe trust.toml.lock", "update trust.toml -> io.failed"],
        ),
        attack(
            "a folder in the place of its lock",
            "io.failed",
            &["folder trust.toml.lock", "update trust.toml -> io.failed"],
        ),
        attack(
            "sealed by somebody, where it was open",
            "trust.sealed",
            &["seal trust.toml 7", "store trust.toml -> trust.sealed"],
        ),
        attack(
            "sealed with another key",
            "trust.sealed",
            &["seal trust.toml 7", "unseal trust.toml 8 -> trust.sealed"],
        ),
        attack("open, where it was sealed", "trust.sealed", &["unseal trust.toml 7 -> trust.sealed"]),
        attack(
            "sealed, and cut short",
            "trust.sealed",
            &["seal trust.toml 7", "cut trust.toml 1", "unseal trust.toml 7 -> trust.sealed"],
        ),
        attack(
            "sealed, and longer",
            "trust.sealed",
            &["seal trust.toml 7", "grow trust.toml 1", "unseal trust.toml 7 -> trust.sealed"],
        ),
        Attack::new("store", "the last generation there can be", "trust.value", &["update trust.toml -> trust.value"])
            .with("trust.toml", numbered(u64::MAX)),
        Attack::new("store", "a generation beyond the last", "trust.syntax", &["store trust.toml -> trust.syntax"])
            .with("trust.toml", text.replace("generation = 0", "generation = 18446744073709551616")),
        Attack::new(
            "store",
            "a labyrinth of delegations to nothing",
            "trust.delegation-depth",
            &["store trust.toml -> trust.delegation-depth"],
        )
        .with("trust.toml", lost()),
        Attack::new(
            "store",
            "a bad store keeps no plugin from being judged by the last good one",
            "trust.syntax",
            &[
                "load p.modpkg -> verified",
                "store trust.toml -> trust.syntax",
                "call acme.wolf -> awoo",
                "unload acme.wolf",
                "load p.modpkg -> verified",
            ],
        )
        .with("trust.toml", &text[..text.len() - 9])
        .with("p.modpkg", crate::world::World::new().packed()),
    ]
}

/// The text of a labyrinth whose every way is one link too long.
fn lost() -> String {
    let text = labyrinth().to_string();
    let mut lower = TrustStore::default();
    for by in 68..72 {
        lower.add_key(root(by, "*")).unwrap();
    }
    for (from, to) in [(68, 72), (72, 76)] {
        for by in from..from + 4 {
            for below in to..to + 4 {
                lower.delegate(Delegation::sign(&key(by), trusted(below, "*")).unwrap()).unwrap();
            }
        }
    }
    let lower = lower.to_string();
    format!("{text}{}", &lower[lower.find("\n[[delegation]]").unwrap()..])
}
