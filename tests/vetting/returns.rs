//! What comes back: older versions, older stores, earlier times, and memories of them that somebody changed.
//!
//! Between two runs there is nothing but the file: where it is deleted, or an older copy of it is put in its place, nobody can know. While
//! a host runs it keeps what it saw, and writes it again.

use crate::{
    play::host_store,
    table::Attack,
    world::{World, date, key, trusted},
};
use modhost::verify::{Revocation, Revoked};

const HOWL: &str = "function howl() return 'awoo' end\n";

/// The plugin in a version, signed by Acme.
fn wolf(version: &str) -> Vec<u8> {
    World::of("acme.wolf", version, HOWL, &[1]).packed()
}

/// Another plugin of Acme's, by which a host notes something new.
fn owl() -> Vec<u8> {
    World::of("acme.owl", "1.0.0", HOWL, &[1]).packed()
}

/// An attack with a new release and an old one.
fn versions(name: &str, steps: &[&str]) -> Attack {
    let steps = [&["load new.modpkg -> verified", "unload acme.wolf"], steps].concat();
    Attack::new("rollback", name, "trust.rollback", &steps)
        .with("new.modpkg", wolf("1.2.0"))
        .with("old.modpkg", wolf("1.1.9"))
}

/// A memory that somebody changed: a host does not start with it.
fn changed(name: &str, code: &str, seen: &str) -> Attack {
    let steps = ["copy changed seen".to_owned(), format!("restart host.toml -> {code}")];
    Attack::new("rollback", name, code, &steps.each_ref().map(String::as_str)).with("changed", seen)
}

pub(crate) fn attacks() -> Vec<Attack> {
    let seen = "modhost-seen 1\ngeneration 3\ntime 2026-06-01T00:00:00Z\nplugin acme.wolf 1.2.0\n";
    let numbered = |number: u64, text: String| text.replace("generation = 0", &format!("generation = {number}"));
    let mut without = host_store();
    without.remove_key(&key(2).public().id()).unwrap();
    let revoking = {
        let mut store = host_store();
        store.revoke(Revocation::hard(Revoked::Key(key(1).public().id()), "stolen")).unwrap();
        store
    };
    let mut until = World::of("acme.wolf", "1.2.0", HOWL, &[]);
    until.sign_with(&[1], |said| said.expires = Some(date("2026-08-01T00:00:00Z")));
    let mut short = host_store();
    let mut given = trusted(1, "acme.*");
    given.until = Some(date("2026-08-01T00:00:00Z"));
    short.add_key(given).unwrap();
    vec![
        versions("an older release", &["load old.modpkg -> trust.rollback"]),
        versions("an older release after a restart", &["restart host.toml -> ok", "load old.modpkg -> trust.rollback"]),
        versions("an older release that nobody signed", &["load unsigned.modpkg -> trust.rollback"])
            .with("unsigned.modpkg", World::of("acme.wolf", "1.1.9", HOWL, &[]).packed()),
        versions("a prerelease of the release", &["load rc.modpkg -> trust.rollback"])
            .with("rc.modpkg", wolf("1.2.0-rc.1")),
        versions("an older release as an unpacked folder", &["load old -> trust.rollback"])
            .with("old/plugin.toml", "[plugin]\nid = \"acme.wolf\"\nversion = \"1.1.9\"\n")
            .with("old/main.lua", HOWL),
        versions(
            "an older release beside the newer one that runs",
            &["load new.modpkg -> verified", "load old.modpkg -> trust.rollback", "call acme.wolf -> awoo"],
        ),
        versions(
            "an older release after the memory was deleted",
            &[
                "remove seen",
                "load owl.modpkg -> verified",
                "unload acme.owl",
                "load old.modpkg -> trust.rollback",
                "restart host.toml -> ok",
                "load old.modpkg -> trust.rollback",
            ],
        )
        .with("owl.modpkg", owl()),
        versions(
            "an older release after an older memory was put back",
            &[
                "copy before seen",
                "load owl.modpkg -> verified",
                "unload acme.owl",
                "load old.modpkg -> trust.rollback",
                "restart host.toml -> ok",
                "load old.modpkg -> trust.rollback",
            ],
        )
        .with("owl.modpkg", owl())
        .with("before", "modhost-seen 1\ngeneration 0\ntime 2026-05-01T00:00:00Z\nplugin good.fox 1.0.0\n"),
        Attack::new(
            "rollback",
            "an older release while the memory cannot be written",
            "trust.rollback",
            &[
                "folder seen.lock",
                "load new.modpkg -> verified",
                "unload acme.wolf",
                "load old.modpkg -> trust.rollback",
            ],
        )
        .with("new.modpkg", wolf("1.2.0"))
        .with("old.modpkg", wolf("1.1.9")),
        changed("a memory with another word", "trust.memory", &seen.replace("plugin", "plugins")),
        changed("a memory without a version", "trust.memory", &seen.replace(" 1.2.0", "")),
        changed(
            "a memory with a second spelling of a number",
            "trust.memory",
            &seen.replace("generation 3", "generation 03"),
        ),
        changed("a memory with a line twice", "trust.memory", &format!("{seen}plugin acme.wolf 1.0.0\n")),
        changed("a memory cut in the midst of a line", "trust.memory", &seen[..seen.len() - 4]),
        changed("a memory that is empty", "trust.memory", ""),
        changed("a memory of bytes that are no text", "trust.memory", "modhost-seen 1\n\u{0}\n"),
        changed("a memory of a later form", "trust.newer", &seen.replace("seen 1", "seen 3")),
        changed("a memory that is too long", "trust.memory", &format!("{seen}{}", "x".repeat(5 << 20))),
        Attack::new(
            "rollback",
            "a memory that is a folder",
            "io.failed",
            &["folder seen", "restart host.toml -> io.failed", "remove seen", "copy before seen"],
        )
        .with("before", seen.replace("generation 3", "generation 0") + "plugin good.fox 1.0.0\n"),
        Attack::new(
            "rollback",
            "a memory that is a pipe",
            "io.failed",
            &["pipe seen", "restart host.toml -> io.failed", "remove seen", "copy before seen"],
        )
        .with("before", seen.replace("generation 3", "generation 0") + "plugin good.fox 1.0.0\n"),
        Attack::new(
            "rollback",
            "a memory that never ends",
            "io.failed",
            &["link /dev/zero seen", "restart host.toml -> io.failed", "remove seen", "copy before seen"],
        )
        .with("before", seen.replace("generation 3", "generation 0") + "plugin good.fox 1.0.0\n"),
        Attack::new(
            "rollback",
            "an older store while the host runs",
            "trust.generation",
            &["store new.toml -> ok", "store old.toml -> trust.generation", "load p.modpkg -> trust.revoked"],
        )
        .with("new.toml", numbered(5, revoking.to_string()))
        .with("old.toml", numbered(4, host_store().to_string()))
        .with("p.modpkg", wolf("1.0.0")),
        Attack::new(
            "rollback",
            "an older store after a restart",
            "trust.generation",
            &["store new.toml -> ok", "restart old.toml -> trust.generation"],
        )
        .with("new.toml", numbered(5, without.to_string()))
        .with("old.toml", numbered(4, host_store().to_string())),
        Attack::new(
            "rollback",
            "an older store in the place of the newer one",
            "trust.generation",
            &[
                "store trust.toml -> ok",
                "copy old.toml trust.toml",
                "store trust.toml -> trust.generation",
                "update trust.toml -> trust.generation",
            ],
        )
        .with("trust.toml", numbered(5, without.to_string()))
        .with("old.toml", numbered(4, host_store().to_string())),
        Attack::new(
            "rollback",
            "a store that is gone",
            "trust.generation",
            &[
                "store trust.toml -> ok",
                "remove trust.toml",
                "store trust.toml -> trust.generation",
                "update trust.toml -> trust.generation",
            ],
        )
        .with("trust.toml", numbered(5, without.to_string())),
        Attack::new(
            "rollback",
            "an earlier time for a signature that ended",
            "verify.expired",
            &[
                "load p.modpkg -> verified",
                "unload acme.wolf",
                "date 2026-09-01T00:00:00Z",
                "load owl.modpkg -> verified",
                "unload acme.owl",
                "date 2026-06-01T00:00:00Z",
                "load p.modpkg -> verify.expired",
                "restart host.toml -> ok",
                "load p.modpkg -> verify.expired",
            ],
        )
        .with("p.modpkg", until.packed())
        .with("owl.modpkg", owl()),
        Attack::new(
            "rollback",
            "an earlier time for a key that ended",
            "trust.key-expired",
            &[
                "date 2026-09-01T00:00:00Z",
                "load owl.modpkg -> verified",
                "unload acme.owl",
                "date 2026-06-01T00:00:00Z",
                "restart trust.toml -> ok",
                "load p.modpkg -> trust.key-expired",
            ],
        )
        .with("p.modpkg", wolf("1.0.0"))
        .with("owl.modpkg", owl())
        .with("trust.toml", short.to_string()),
    ]
}
