//! [`RevocationList`]: what an issuer takes back for everybody who trusts it to, as a signed file with a number and an end.

use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::{ListSeen, Revocation, Revoked, Role, TrustStore, revoked::written};
use crate::{
    error::{Code, Result},
    package::Id,
    verify::{
        Date, Digest, PublicKey, SecretKey,
        hex::{hex, unhex},
        key::refused,
        lines::{Lines, check_label},
        mark::two_lists,
    },
};

const HEAD: &str = "modhost-revocations ";
const CONTEXT: &[u8] = b"modhost revocation list 1\0";
/// The longest list, in bytes; the most it may revoke fits.
const LONGEST: usize = 1 << 20;

/// A signed list of revocations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationList {
    issuer: PublicKey,
    seen: ListSeen,
    rows: Vec<Revocation>,
    text: String,
    value: [u8; 64],
}

fn text(issuer: &PublicKey, seen: &ListSeen, rows: &[Revocation]) -> String {
    let ListSeen { sequence, issued, until } = seen;
    let issuer = issuer.digits();
    let mut text = format!("{HEAD}1\n\nissuer {issuer}\nsequence {sequence}\nissued {issued}\nuntil {until}\n");
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let how = if row.hard { "hard" } else { "soft" };
            format!("revoke {how} {} {}\n", row.what, row.reason)
        })
        .collect();
    lines.sort();
    text.extend(lines);
    text
}

/// The digest of a list: of what is signed.
pub(super) fn digest(issuer: &PublicKey, seen: &ListSeen, rows: &[Revocation]) -> Digest {
    of_text(&text(issuer, seen, rows))
}

fn of_text(text: &str) -> Digest {
    Digest::from_bytes(Sha256::new().chain_update(CONTEXT).chain_update(text).finalize().into())
}

/// Writes and signs a list of all that `issuer` revokes: a newer list takes the place of the one before. `sequence` goes up with
/// each; `until` is when the next one should be there, and this one is refused.
///
/// # Errors
/// [`Code::TrustList`] for what such a list cannot hold.
pub fn sign_list(
    issuer: &SecretKey,
    sequence: u64,
    issued: Date,
    until: Date,
    revoked: &[Revocation],
) -> Result<String> {
    let text = text(&issuer.public(), &ListSeen { sequence, issued, until }, revoked);
    let value = issuer.sign(&[CONTEXT, text.as_bytes()].concat());
    let text = format!("{text}value {}\n", hex(&value));
    // Whatever cannot be read back is better refused here.
    RevocationList::parse(text.as_bytes()).map(|_| text)
}

impl RevocationList {
    /// Reads a list, strictly; whether it may be believed is said by [`TrustStore::apply_list`].
    ///
    /// # Errors
    /// [`Code::TrustList`] with the line for every other text than [`sign_list`] writes, [`Code::TrustNewer`] and
    /// [`Code::VerifyKey`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut lines = Lines::new(bytes, "revocation list", Code::TrustList, LONGEST)?;
        lines.head(HEAD, Code::TrustNewer)?;
        lines.empty()?;
        let issuer = lines.value("issuer")?;
        let issuer = PublicKey::from_digits(issuer).map_err(|error| lines.coded(error))?;
        let sequence = lines.value("sequence")?;
        let sequence = sequence.parse().map_err(|_| lines.error("a sequence is a whole number"))?;
        let mut dates = [Date::of(SystemTime::UNIX_EPOCH); 2];
        for (date, name) in dates.iter_mut().zip(["issued", "until"]) {
            let value = lines.value(name)?;
            *date = value.parse().map_err(|error: crate::verify::DateError| lines.error(error.to_string()))?;
        }
        let [issued, until] = dates;
        if issued >= until {
            return Err(lines.error("this list ends before it begins"));
        }
        let mut rows: Vec<Revocation> = Vec::new();
        while let Some(line) = lines.maybe("revoke") {
            if rows.len() == super::MOST {
                return Err(lines.error(format!("a list revokes at most {} things", super::MOST)));
            }
            let mut row = row(line).ok_or_else(|| lines.error("this is no revocation"))?;
            row.list = Some(issuer.id());
            check_label(&row.reason).map_err(|why| lines.error(why))?;
            if rows.iter().any(|other| other.what == row.what) {
                return Err(lines.error("this is revoked twice"));
            }
            rows.push(row);
        }
        let value = lines.value("value")?;
        let value = unhex(value).ok_or_else(|| lines.error("a signature has 128 digits of 0-9 and a-f"))?;
        let seen = ListSeen { sequence, issued, until };
        let text = text(&issuer, &seen, &rows);
        if format!("{text}value {}\n", hex(&value)).as_bytes() != bytes {
            return Err(lines
                .error("this is not as modhost writes it: one spelling, sorted lines, nothing after the signature"));
        }
        Ok(RevocationList { issuer, seen, rows, text, value })
    }

    /// Whose list it claims to be.
    #[must_use]
    pub fn issuer(&self) -> PublicKey {
        self.issuer
    }

    /// Its number and its dates.
    #[must_use]
    pub fn about(&self) -> ListSeen {
        self.seen
    }

    /// The SHA-256 of what its issuer signed, by which two lists of one number are told apart.
    #[must_use]
    pub fn digest(&self) -> Digest {
        of_text(&self.text)
    }

    /// What it revokes.
    #[must_use]
    pub fn revoked(&self) -> &[Revocation] {
        &self.rows
    }
}

fn row(line: &str) -> Option<Revocation> {
    let (how, line) = line.split_once(' ')?;
    let (kind, line) = line.split_once(' ')?;
    let (first, line) = line.split_once(' ')?;
    let (what, reason) = match kind {
        "key" => (Revoked::Key(first.parse().ok()?), line),
        "package" => (Revoked::Package(first.parse().ok()?), line),
        "versions" => {
            let (versions, reason) = line.split_once(' ')?;
            (Revoked::Versions(Id::new(first).ok()?, read_versions(versions)?), reason)
        }
        _ => return None,
    };
    match how {
        "hard" => Some(Revocation::hard(what, reason)),
        "soft" => Some(Revocation::soft(what, reason)),
        _ => None,
    }
}

/// A range in the one spelling that is written, capped before it is parsed.
pub(super) fn read_versions(text: &str) -> Option<semver::VersionReq> {
    let versions = Some(text).filter(|text| text.len() <= 128)?.parse().ok()?;
    (written(&versions) == text).then_some(versions)
}

impl TrustStore {
    /// Takes a revocation list in: what it revokes counts from now on for the plugins in the namespaces of its issuer, and what
    /// the issuer's list before revoked counts no more. `false` if this very list was taken in already.
    ///
    /// # Errors
    /// [`Code::TrustListIssuer`] where no key of the store with the role `revoke` is its issuer's at `now`,
    /// [`Code::TrustListSignature`], [`Code::TrustEquivocation`] for another list of the number that was seen,
    /// [`Code::TrustListStale`] outside of its dates, and [`Code::TrustListSequence`] for a number below the one that was seen.
    pub fn apply_list(&mut self, list: &RevocationList, now: SystemTime) -> Result<bool> {
        let (issuer, now) = (list.issuer.id(), Date::of(now));
        let refuse = |code, why: String| Err(refused(code, format!("the revocation list of {} {why}", issuer.short())));
        let may = self.all_keys().any(|key| {
            let dates = key.from.is_none_or(|from| from <= now) && key.until.is_none_or(|until| now < until);
            key.public == list.issuer && key.roles.contains(&Role::Revoke) && dates
        });
        if !may || self.revoked.iter().any(|one| one.hard && one.what == Revoked::Key(issuer)) {
            return refuse(Code::TrustListIssuer, "is by a key that may not revoke here".into());
        }
        if !list.issuer.signed(&[CONTEXT, list.text.as_bytes()].concat(), &list.value) {
            return refuse(Code::TrustListSignature, "is not signed by its issuer".into());
        }
        let ListSeen { sequence, issued, until } = list.seen;
        let seen = self.lists.get(&issuer).map(|seen| seen.sequence);
        // Before its dates: what its issuer signed twice is to be known, also if it comes late.
        if let Some(known) = self.list_digest(&issuer).filter(|known| seen == Some(sequence) && *known != list.digest())
        {
            return Err(two_lists(&issuer, sequence, &known, &list.digest(), self.beyond(list)));
        }
        if until <= now || now < issued {
            return refuse(Code::TrustListStale, format!("holds from {issued} to {until}, and it is {now}"));
        }
        if let Some(seen) = seen.filter(|seen| *seen > sequence) {
            return refuse(Code::TrustListSequence, format!("has the number {sequence}, and {seen} was seen"));
        }
        if seen == Some(sequence) {
            return Ok(false);
        }
        self.change(|store| {
            store.lists.insert(issuer, list.seen);
            store.revoked.retain(|one| one.list != Some(issuer));
            store.revoked.extend(list.rows.iter().cloned());
            store.sort_revoked();
            Ok(())
        })?;
        Ok(true)
    }

    /// What `list` revokes and the list of its issuer here does not, in words.
    fn beyond(&self, list: &RevocationList) -> String {
        let known = |row: &&Revocation| !self.revoked.iter().any(|own| own.list == row.list && own.what == row.what);
        let more: Vec<String> = list.rows.iter().filter(known).map(|row| row.what.to_string()).collect();
        match &more[..] {
            [] => String::new(),
            [first] => format!("; it revokes {first}, which that one does not"),
            [first, rest @ ..] => format!("; it revokes {first}, and {} more, which that one does not", rest.len()),
        }
    }
}
