//! Asks for a passphrase on the terminal, which does not show what is typed.

use std::io::{self, IsTerminal};

use modhost::{Code, Error, Result, Shown, Stage};
use zeroize::Zeroizing;

use crate::{args, guard};

/// What is typed to `prompt`; `None` where nobody can be asked: there is no terminal, or a program reads the answer (`--json`).
pub(super) fn ask(prompt: &Shown) -> Result<Option<Zeroizing<String>>> {
    if args::wants_json() || !io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = guard::asking(|| rpassword::prompt_password(prompt.as_str()));
    match typed {
        Ok(typed) => Ok(Some(Zeroizing::new(typed))),
        Err(error) => Err(Error::new(Code::IoFailed, Stage::Engine, format!("no passphrase could be read: {error}"))),
    }
}
