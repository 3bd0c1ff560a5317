//! [`Exposed`]: what happens with a file that decides about trust and that others may write.

use crate::shown::ShowPath as _;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::key::refused;
use crate::error::{Code, Error, Result, Stage};

/// What happens with a file that others than this user and root may write, where what it holds decides about trust.
///
/// Asked are owner and mode of the open file, on Unix. Its owner must be this user or root, and nobody else may write it. Two usual cases
/// are no exposure: a group whose number is its owner's, since it is that user's own where new files are written by the group (umask
/// 002), and root's; and a folder with the sticky bit, like `/tmp`, in which others cannot replace the file. Elsewhere than on Unix
/// nothing is found, which is told once.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Exposed {
    /// It is refused: [`Code::TrustExposed`].
    #[default]
    Refuse,
    /// `tracing` is told, once for each file in a process.
    Warn,
    /// Nothing.
    Ignore,
}

impl Exposed {
    /// Judges an open file that lies at `path`.
    ///
    /// # Errors
    /// [`Code::TrustExposed`], [`Code::IoFailed`].
    pub fn judge(self, file: &File, path: &Path) -> Result<()> {
        if self == Exposed::Ignore {
            return Ok(());
        }
        let about = file.metadata().map_err(|error| Error::io(Stage::Vet, path, &error))?;
        let Some(why) = exposure(&about) else { return Ok(()) };
        if self == Exposed::Warn {
            warn_once(path, why);
            return Ok(());
        }
        let help = format!(
            "Look whether it holds what you expect, then take it back: `chown $USER` and `chmod go-w {}`. Where others are to write it, say `exposed = \"warn\"` in the policy.",
            path.shown()
        );
        Err(refused(Code::TrustExposed, format!("{}: {why}", path.shown())).with_help(help))
    }

    /// The same for a file and the folders that it, and a link to it, lie in: who may write those may put another in its place.
    pub(super) fn judge_with_folders(self, file: &File, path: &Path) -> Result<()> {
        self.judge(file, path)?;
        if self == Exposed::Ignore || !cfg!(unix) {
            return Ok(());
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        for lies in [path, &real] {
            let folder = lies.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // One that may not be read can still be passed through; then its name is asked.
            match File::open(folder) {
                Ok(open) => self.judge(&open, folder)?,
                Err(error) => tracing::debug!("{}: not looked at: {error}", folder.shown()),
            }
        }
        Ok(())
    }
}

/// Why others than this user and root may write what `about` is of.
#[cfg(unix)]
fn exposure(about: &fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let us = rustix::process::geteuid().as_raw();
    let sticky = about.is_dir() && about.mode() & 0o1000 != 0;
    found(about.uid(), about.gid(), about.mode(), us, sticky)
}

#[cfg(unix)]
fn found(owner: u32, group: u32, mode: u32, us: u32, sticky: bool) -> Option<String> {
    if owner != 0 && owner != us {
        return Some(format!("it belongs to another user (number {owner}), who may write it"));
    }
    if sticky {
        return None;
    }
    if mode & 0o002 != 0 {
        return Some(format!("everybody may write it (mode {:04o})", mode & 0o7777));
    }
    let own = group == owner || group == 0;
    (mode & 0o020 != 0 && !own)
        .then(|| format!("all of its group (number {group}) may write it (mode {:04o})", mode & 0o7777))
}

#[cfg(not(unix))]
fn exposure(_about: &fs::Metadata) -> Option<String> {
    not_looked_at();
    None
}

/// Tells once that this system is not asked who may do what with a file.
#[cfg(not(unix))]
pub(super) fn not_looked_at() {
    static TOLD: std::sync::Once = std::sync::Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            "who may read secrets, and who may write the trust store and what lies beside it, is not looked at on this system"
        );
    });
}

fn warn_once(path: &Path, why: String) {
    use std::sync::{Mutex, PoisonError};
    static TOLD: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if !told.iter().any(|told| told == path) {
        tracing::warn!("{}: {why}; what it holds decides about trust", path.shown());
        told.push(path.to_owned());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_a_file_is_told_by_owner_group_and_mode() {
        const US: u32 = 1000;
        let rows = [
            (US, US, 0o600, false, true),
            (US, US, 0o664, false, true),
            (US, 0, 0o664, false, true),
            (0, 0, 0o644, false, true),
            (0, 0, 0o664, false, true),
            (US, 100, 0o644, false, true),
            (US, 100, 0o664, false, false),
            (0, 100, 0o664, false, false),
            (US, US, 0o666, false, false),
            (0, 0, 0o777, false, false),
            (0, 0, 0o777, true, true),
            (1001, US, 0o600, false, false),
            (1001, 1001, 0o777, true, false),
        ];
        for (owner, group, mode, sticky, good) in rows {
            let found = found(owner, group, mode, US, sticky);
            assert_eq!(found.is_none(), good, "{owner} {group} {mode:o} {sticky}: {found:?}");
        }
    }
}
