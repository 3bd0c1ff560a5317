//! Passphrases that are asked for on a terminal: a pseudo-terminal, whose other end is the person who types.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Child, Stdio},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::support::{folder, modhost};

/// The person's end.
struct Person {
    terminal: File,
    shown: String,
}

/// `modhost` with `words`, before a terminal.
fn start(here: &Path, words: &[&str]) -> (Person, Child) {
    let person: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let open = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let program = modhost(here);
    let mut command = std::process::Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(program.get_program()).args(words).current_dir(here);
    command.env_remove("MODHOST_PASSPHRASE").env_remove("MODHOST_LOG");
    let child = command.stdin(open()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    (Person { terminal: person.into(), shown: String::new() }, child)
}

impl Person {
    /// Waits for `prompt`, and until what is typed is not shown; then types.
    fn answer(&mut self, child: &mut Child, prompt: &str, typed: &str) {
        let mut byte = [0];
        while !self.shown.ends_with(prompt) {
            assert_eq!(self.terminal.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
        while self.shows() {
            assert_eq!(child.try_wait().unwrap(), None, "{}", self.shown);
            std::thread::yield_now();
        }
        self.terminal.write_all(typed.as_bytes()).unwrap();
    }

    /// Whether the terminal shows what is typed.
    fn shows(&self) -> bool {
        tcgetattr(self.terminal.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// What the command ends with and says, and what the terminal has shown in all.
    fn end(mut self, child: Child) -> (Option<i32>, String, String) {
        let output = child.wait_with_output().unwrap();
        assert!(self.shows(), "the terminal is left as it was");
        // Nobody is at the other end any more, which is an error to Linux.
        let mut rest = Vec::new();
        let _ = self.terminal.read_to_end(&mut rest);
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said, self.shown)
    }
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    const NEW: &str = "Passphrase for the new key: ";
    const AGAIN: &str = "The same again: ";
    const OPEN: &str = "Passphrase of acme.pem: ";
    let here = folder(&[]);
    let (new, show): (&[&str], &[&str]) = (&["key", "new", "acme.pem", "--encrypt"], &["key", "show", "acme.pem"]);
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);
    let rows: [Row<'_>; 9] = [
        (new, &[(NEW, "moonlight\n"), (AGAIN, "sunlight\n")], 2, "differ"),
        (new, &[(NEW, "\n")], 2, "one line"),
        (new, &[(NEW, "moon\u{3}")], 130, ""),
        (new, &[(NEW, "moonlight\n"), (AGAIN, "moonlight\n")], 0, "holds the private key, encrypted"),
        (new, &[], 2, "never overwritten"),
        (show, &[(OPEN, "moonlight\n")], 0, "public key"),
        (show, &[(OPEN, "sunlight\n")], 4, "passphrase is wrong"),
        (show, &[(OPEN, "moonlight\u{3}")], 130, ""),
        // A program reads: nothing is asked.
        (&["key", "show", "acme.pem", "--json"], &[], 4, "MODHOST_PASSPHRASE"),
    ];
    let mut made = false;
    for (words, answers, status, part) in rows {
        let (mut person, mut child) = start(here.path(), words);
        for (prompt, typed) in answers {
            person.answer(&mut child, prompt, typed);
        }
        let (found, said, shown) = person.end(child);
        assert!(found == Some(status) && said.contains(part), "{words:?} {answers:?}: {found:?} {said}{shown}");
        assert!(!format!("{said}{shown}").contains("light"), "{words:?} {answers:?}: {said}{shown}");
        // No key is made where the words or the person say otherwise; one that is there stays.
        made |= words == new && status == 0;
        assert_eq!(here.path().join("acme.pem").exists(), made, "{words:?} {answers:?}");
    }
}
