//! [`Omission`]: what of an author's folder packing leaves out, and why. Names are looked at, in any case, and bytes: a private key is one
//! whatever its file is called.
//!
//! It guesses. Whoever packs is told of each file, and can take it all the same; what the plugin cannot do without is an error
//! (`pack.rs`), never missing.

mod secret;

use std::fmt;

/// Why a file is left out of a package.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Omission {
    /// It holds a private key: PEM of any kind, OpenSSH's, PuTTY's and PGP's among them, PKCS#8, PKCS#12 and others in their binary
    /// forms, or a key of a sealed trust store.
    PrivateKey,
    /// Its name is that of files with passwords and tokens: `.npmrc`, `id_ed25519`, `keys.kdbx`.
    Credentials,
    /// It belongs to version control: `.git`, `.hg`, `CVS`.
    VersionControl,
    /// The system left it there: `.DS_Store`, `Thumbs.db`, `desktop.ini`, `__MACOSX`.
    System,
    /// An editor or a tool left it there: `main.lua~`, `main.lua.orig`, `.main.lua.swp`.
    Backup,
    /// It belongs to an editor: `.vscode`, `.idea`.
    Editor,
    /// Tools build or download it: `target`, `node_modules`, `__pycache__`. Of the first two packing reads what `[entry]` names.
    Build,
    /// An earlier run of modhost left it there: packages, lockfiles, trust stores.
    Output,
    /// Its name begins with a dot, and no package holds such names.
    Hidden,
}

/// A file or folder that is left out.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Omitted {
    /// Its path in the plugin's folder, as it is there.
    pub path: String,
    /// Why.
    pub why: Omission,
}

impl Omission {
    /// One word for programs: `private-key`, `version-control`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Omission::PrivateKey => "private-key",
            Omission::Credentials => "credentials",
            Omission::VersionControl => "version-control",
            Omission::System => "system",
            Omission::Backup => "backup",
            Omission::Editor => "editor",
            Omission::Build => "build",
            Omission::Output => "output",
            Omission::Hidden => "hidden",
        }
    }

    /// Whether it is worth a warning: somebody would have lost a secret.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Omission::PrivateKey | Omission::Credentials)
    }
}

impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Omission::PrivateKey => "a private key",
            Omission::Credentials => "by its name, passwords or keys",
            Omission::VersionControl => "of version control",
            Omission::System => "left by the system",
            Omission::Backup => "a backup or temporary file",
            Omission::Editor => "of an editor",
            Omission::Build => "built or downloaded by tools",
            Omission::Output => "written by modhost",
            Omission::Hidden => "hidden",
        })
    }
}

/// Why a file of these bytes is left out; `None` for one that is packed.
pub(super) fn of_file(path: &str, bytes: &[u8]) -> Option<Omission> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if secret::is_private_key(name, bytes) {
        return Some(Omission::PrivateKey);
    }
    of_name(path).or_else(|| is_output(name, bytes).then_some(Omission::Output))
}

/// Why whatever has this name is left out, by its name alone.
pub(super) fn of_name(path: &str) -> Option<Omission> {
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.split('/').rev();
    let name = parts.next().unwrap_or_default();
    let folders = || parts.clone();
    if is_credentials(name) || folders().any(|part| KEYRINGS.contains(&part)) {
        return Some(Omission::Credentials);
    }
    let own = |part: &str| VERSION_CONTROL.contains(&part);
    let cvs = folders().next() == Some("cvs") && CVS.contains(&name);
    if own(name) || folders().any(own) || cvs {
        return Some(Omission::VersionControl);
    }
    if SYSTEM.contains(&name) || folders().any(|part| SYSTEM_FOLDERS.contains(&part)) || SYSTEM_FOLDERS.contains(&name)
    {
        return Some(Omission::System);
    }
    let editor = |part: &str| EDITORS.contains(&part);
    if editor(name) || folders().any(editor) {
        return Some(Omission::Editor);
    }
    if folders().any(|part| part == "__pycache__") || name == "__pycache__" {
        return Some(Omission::Build);
    }
    if is_backup(name) {
        return Some(Omission::Backup);
    }
    let output = matches!(name, "modhost.lock" | "modhost.lock.signatures") || name.ends_with(".modpkg");
    output.then_some(Omission::Output)
}

/// Why something that is hidden is left out.
pub(super) fn of_hidden(path: &str) -> Omission {
    of_name(path).unwrap_or(Omission::Hidden)
}

const VERSION_CONTROL: [&str; 12] = [
    ".git",
    ".gitattributes",
    ".gitignore",
    ".gitmodules",
    ".hg",
    ".hgignore",
    ".svn",
    ".bzr",
    ".jj",
    ".pijul",
    "_darcs",
    ".fossil",
];
/// What tells a folder of CVS from another of that name.
const CVS: [&str; 6] = ["entries", "entries.log", "repository", "root", "tag", "template"];
const SYSTEM: [&str; 6] = [".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".localized"];
const SYSTEM_FOLDERS: [&str; 8] = [
    "__macosx",
    "$recycle.bin",
    "system volume information",
    ".trash",
    ".trashes",
    ".spotlight-v100",
    ".fseventsd",
    ".appledouble",
];
const EDITORS: [&str; 6] = [".vscode", ".idea", ".vs", ".zed", ".fleet", ".settings"];
const KEYRINGS: [&str; 6] = [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker"];

/// Names that mean passwords, tokens or keys everywhere.
fn is_credentials(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        ".npmrc",
        ".yarnrc",
        ".netrc",
        "_netrc",
        ".pypirc",
        ".git-credentials",
        ".htpasswd",
        ".pgpass",
        ".my.cnf",
        ".vault-token",
    ];
    const KEYS: [&str; 6] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"];
    const ENDINGS: [&str; 7] = [".ppk", ".pfx", ".p12", ".p8", ".kdbx", ".jks", ".keystore"];
    NAMES.contains(&name)
        || KEYRINGS.contains(&name)
        || KEYS.contains(&name)
        || name.starts_with(".env")
        || ENDINGS.iter().any(|ending| name.ends_with(ending) && name.len() > ending.len())
}

/// What editors and tools leave beside a file.
fn is_backup(name: &str) -> bool {
    const ENDINGS: [&str; 7] = [".bak", ".orig", ".rej", ".tmp", ".swp", ".swo", ".swn"];
    let around = name.len() > 2 && name.starts_with('#') && name.ends_with('#');
    let ended = ENDINGS.iter().any(|ending| name.ends_with(ending) && name.len() > ending.len());
    // A package that was being written when the machine went down.
    let half_written = name.ends_with(".new") && name.contains(".modpkg.");
    name.len() > 1 && name.ends_with('~') || around || name.starts_with(".#") || ended || half_written
}

/// Files of modhost's own that say of the machine, not of the plugin, whatever they are called.
fn is_output(name: &str, bytes: &[u8]) -> bool {
    const FIRST: [&[u8]; 2] = [b"modhost-seen ", b"modhost-sealed-store "];
    // What a lock is held on has nothing in it; the lockfiles of other tools have.
    let lock = bytes.is_empty() && (name.ends_with(".lock") || name.ends_with(".held"));
    if lock || FIRST.iter().any(|first| bytes.starts_with(first)) {
        return true;
    }
    // A trust store: these two keys come first, whatever comments stand before them.
    let Ok(start) = str::from_utf8(&bytes[..bytes.len().min(1024)]) else { return false };
    let mut lines = start.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let numbers = |line: Option<&str>, key: &str| {
        let value = line.and_then(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
        value.is_some_and(|value| value.trim().parse::<u64>().is_ok())
    };
    numbers(lines.next(), "store") && numbers(lines.next(), "generation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_left_out() {
        use Omission::{Backup, Build, Credentials, Editor, Output, System, VersionControl};
        let table: &[(Omission, &[&str])] = &[
            (VersionControl, &[".git", ".git/config", "lib/.GIT/HEAD", ".hg/store", ".svn", "_darcs/x", "CVS/Entries"]),
            (System, &[".DS_Store", "art/.ds_store", "Thumbs.db", "THUMBS.DB", "a/Desktop.ini", "__MACOSX/main.lua"]),
            (
                Backup,
                &[
                    "main.lua~",
                    "a.swp",
                    ".main.lua.SWP",
                    "#main.lua#",
                    ".#main.lua",
                    "main.lua.orig",
                    "x.BAK",
                    "a.tmp",
                    "p.modpkg.4711.new",
                ],
            ),
            (Editor, &[".vscode", ".vscode/settings.json", ".idea/workspace.xml"]),
            (
                Credentials,
                &[
                    ".env",
                    ".env.production",
                    ".ENV",
                    ".envrc",
                    ".npmrc",
                    ".netrc",
                    "_netrc",
                    "id_ed25519",
                    "keys/ID_RSA",
                    ".ssh/config",
                    ".aws",
                    "a.pfx",
                    "b.kdbx",
                    "c.ppk",
                ],
            ),
            (Build, &["__pycache__/a.pyc", "tools/__pycache__"]),
            (Output, &["modhost.lock", "lib/modhost.lock.signatures", "acme.wolf-1.0.0.modpkg", "OLD.MODPKG"]),
        ];
        for (why, paths) in table {
            for path in *paths {
                assert_eq!(of_name(path), Some(*why), "{path}");
            }
        }
        let packed = [
            "plugin.toml",
            "main.lua",
            "lib/git.lua",
            "git/config",
            "environment.lua",
            "prod.env",
            "sky.env",
            "tmp/a.lua",
            "a.tmp.lua",
            "backup.lua",
            "orig.png",
            "thumbs.png",
            "desktop.lua",
            "cvs/table.lua",
            "id_ed25519.pub",
            "~",
            "#",
            "##",
            "keys.lua",
            "a.pem",
            "level1.key",
            "brave.new",
            "macosx/a",
            "new",
            "store.toml",
            "aws/a.lua",
            "README",
        ];
        for path in packed {
            assert_eq!(of_name(path), None, "{path}");
        }
        assert_eq!(of_hidden(".luarc.json"), Omission::Hidden);
        assert_eq!(of_hidden(".git"), VersionControl);
    }

    #[test]
    fn files_of_modhost_are_known_by_their_bytes() {
        let store = "# Who is trusted here.\nstore = 1\ngeneration = 0\n";
        for bytes in [store, "modhost-seen 1\n", "modhost-sealed-store 1\n\u{1}", "store=1\ngeneration = 7"] {
            assert_eq!(of_file("data/x", bytes.as_bytes()), Some(Omission::Output), "{bytes}");
        }
        assert_eq!(of_file("trust.toml.lock", b""), Some(Omission::Output));
        assert_eq!(of_file("Cargo.lock", b"version = 4"), None);
        for bytes in ["", "store = \"wares\"\n", "store = 1\n", "store = 1\nprice = 7\n", "return 'modhost-seen 1'"] {
            assert_eq!(of_file("data/x", bytes.as_bytes()), None, "{bytes}");
        }
    }
}
