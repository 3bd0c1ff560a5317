//! `modhost verify` of a lockfile: whether its signatures hold, and for which of its plugins their keys may vouch.

use std::{collections::BTreeSet, io, path::Path, time::SystemTime};

use modhost::{
    Code, Error, Policy, Result, Stage,
    package::{Digest, Id},
    resolve::Lockfile,
    verify::{KeyId, Revoked, Seen, SignedLock, Signer, TrustStore, Verdict},
};
use semver::Version;
use serde::Serialize;

use super::{Came, SignerBody, Step, broken, ok, refused, skipped, told};
use crate::{
    answer::Answer,
    args, host,
    json::{about::shown, body::ErrorBody},
    layout::{count, paragraph, safe, width},
    lock,
    source::Sources,
    trust,
};

/// One plugin that the lockfile holds.
struct Row {
    id: Id,
    version: Version,
    digest: Digest,
    /// What the signatures are worth for it, as if they were its own.
    verdict: Verdict,
}

impl Row {
    fn name(&self) -> String {
        format!("{} {}", self.id, self.version)
    }

    /// Why it is refused, whoever else signed it.
    fn revoked(&self) -> Option<Error> {
        let revoked = self.verdict.errors.iter().any(|one| one.code == Code::TrustRevoked);
        if revoked { self.verdict.clone().accept(&self.id).err() } else { None }
    }

    /// Whether the set is enough for it.
    fn is_vouched(&self) -> bool {
        let (needed, counted) = self.verdict.threshold;
        self.verdict.errors.is_empty() && counted >= needed
    }

    /// Why the set is not, with a code where there is one.
    fn lacks(&self) -> (Option<Code>, String) {
        let (needed, counted) = self.verdict.threshold;
        match self.verdict.errors.first() {
            Some(first) => (Some(first.code), first.message.clone()),
            None => (None, format!("{counted} of {needed} keys vouch for it")),
        }
    }
}

/// By what it is judged.
struct Terms {
    policy: Policy,
    store: TrustStore,
    seen: Option<Seen>,
    now: SystemTime,
}

impl Terms {
    fn of(args: &args::Verify) -> Result<Self> {
        let policy = host::engine_under(&args.policy)?.policy().clone();
        let seen = args.policy.seen.as_ref().map(|file| host::seen(file, &policy).load()).transpose()?;
        let wall = SystemTime::now();
        let now = seen.as_ref().map_or(wall, |seen| seen.time(wall).0);
        let store = trust::store(&args.policy, policy.exposed)?;
        Ok(Terms { policy, store, seen, now })
    }
}

/// Verifies.
pub(super) fn verify(args: &args::Verify, json: bool) -> Answer {
    let sources = lock::sources(Sources::default(), &args.path).with_policy(args.policy.name.as_deref());
    let mut report = Report { path: &args.path, error: None, steps: Vec::new(), rows: Vec::new(), set: None };
    let done = Terms::of(args).and_then(|terms| report.look(&terms).map(|()| terms));
    let terms = match done {
        // Nothing is there to be verified, or nothing to verify it by.
        Err(error) => return Answer::error_in(&error, json, &sources),
        Ok(terms) => terms,
    };
    let status = report.error.as_ref().map_or(0, |error| error.code().exit_status());
    if json { Answer::object(status, &report.body(&terms)) } else { Answer::new(status, report.page()) }
}

struct Report<'a> {
    path: &'a Path,
    /// The first step's that refuses.
    error: Option<Error>,
    steps: Vec<Step>,
    rows: Vec<Row>,
    set: Option<SignedLock>,
}

/// The steps up to those of which there may be several.
const STEPS: [&str; 3] = ["opened", "digests", "signatures"];

impl Report<'_> {
    /// Goes through the steps.
    ///
    /// # Errors
    /// Where there is no lockfile to look at.
    fn look(&mut self, terms: &Terms) -> Result<()> {
        let Some(lockfile) = self.open()? else { return Ok(()) };
        let rows = || lockfile.iter().map(|row| (row.id.as_str(), &row.version));
        if let Some(set) = &self.set {
            let judged = set.plugins().filter_map(|(id, version, digest)| {
                let verdict = set.judge(id, &terms.store, &terms.policy, terms.now)?;
                Some(Row { id: id.clone(), version: version.clone(), digest: *digest, verdict })
            });
            self.rows = judged.collect();
            let signatures = set.envelope().signatures().iter();
            let steps: Vec<Step> = signatures.map(|one| self.signer(one.public.id(), &terms.store)).collect();
            let alone = set.envelope().keys().find_map(|key| Some((key, revoked(&terms.store, key)?)));
            self.error = alone
                .filter(|_| self.rows.is_empty())
                .map(|(key, why)| Error::new(Code::TrustRevoked, Stage::Vet, revoked_words(key, why)));
            self.steps.extend(steps);
            self.plugins();
        }
        self.error = self.error.take().or_else(|| self.rows.iter().find_map(Row::revoked));
        self.steps.push(match &terms.seen {
            None => skipped("rollback", "no file remembers versions (--seen)"),
            Some(seen) => {
                let older = rows().find_map(|(id, version)| seen.check(&Id::new(id).ok()?, version).err());
                let step = older.as_ref().map(|error| broken("rollback", error));
                self.error = self.error.take().or(older);
                step.unwrap_or_else(|| ok("rollback", "no plugin is older than what was here before"))
            }
        });
        Ok(())
    }

    /// Reads both files.
    fn open(&mut self) -> Result<Option<Lockfile>> {
        let refuse = |report: &mut Self, error: Error| {
            report.steps.push(broken(STEPS[report.steps.len()], &error));
            let rest = STEPS.iter().skip(report.steps.len()).chain(&["plugins", "rollback"]);
            report.steps.extend(rest.map(|step| skipped(step, "not reached")));
            report.error = Some(error);
            Ok(None)
        };
        let (text, lockfile) = match lock::alone(self.path) {
            Err(error) if error.code() == Code::PackageLockfile => return refuse(self, error),
            read => read?,
        };
        let rows = lockfile.iter().len();
        self.steps.push(ok("opened", format!("{}, {}", shown(self.path), count(rows, "plugin"))));
        if let Err(error) = lockfile.check_digests() {
            return refuse(self, error);
        }
        self.steps.push(ok("digests", "each plugin is held by its digest"));
        let envelope = match lock::signatures(self.path) {
            Err(error) if error.code() == Code::VerifyEnvelope => return refuse(self, error),
            read => read?,
        };
        let Some(envelope) = envelope else {
            self.steps.push(skipped("signatures", "there are none: each plugin stands by itself"));
            return Ok(Some(lockfile));
        };
        match SignedLock::read(text.as_bytes(), envelope.as_bytes()) {
            Err(error) => refuse(self, error),
            Ok(set) => {
                let there = count(set.envelope().signatures().len(), "signature");
                let beside = shown(&SignedLock::beside(self.path));
                self.steps.push(ok("signatures", format!("{beside}, {there} over this very lockfile")));
                self.set = Some(set);
                Ok(Some(lockfile))
            }
        }
    }

    /// What each plugin's verdict says of one key that signed.
    fn signers(&self, key: KeyId) -> impl Iterator<Item = (&Row, &Signer)> {
        self.rows.iter().flat_map(move |row| {
            row.verdict.signers.iter().filter(move |signer| signer.key == key).map(move |signer| (row, signer))
        })
    }

    fn signer(&self, key: KeyId, store: &TrustStore) -> Step {
        let name = |signer: &Signer| {
            let until = signer.expires.map_or_else(|| "without an end".into(), |end| format!("until {end}"));
            format!("{} ({}), {until}", signer.label.as_deref().unwrap_or(&signer.claims), key.short())
        };
        let Some((_, first)) = self.signers(key).next() else {
            return match revoked(store, key) {
                Some(why) => refused("signature", Code::TrustRevoked, revoked_words(key, why)),
                None => skipped("signature", format!("{} holds, and there is no plugin to vouch for", key.short())),
            };
        };
        let named = name(self.signers(key).find(|(_, signer)| signer.is_known()).map_or(first, |(_, known)| known));
        let taken_back = |row: &Row| {
            row.verdict.errors.iter().find(|one| one.code == Code::TrustRevoked && one.key == Some(key)).cloned()
        };
        if let Some(finding) = self.rows.iter().find_map(taken_back) {
            return refused("signature", finding.code, finding.message);
        }
        let warned = |code: Option<Code>, told: String| Step {
            came: Came::Warned,
            code: code.map(Code::as_str),
            ..ok("signature", told)
        };
        let counts = self.signers(key).filter(|(_, signer)| signer.counts()).count();
        let problem = self.signers(key).find_map(|(_, signer)| signer.problem.as_ref());
        match problem {
            None if counts == self.rows.len() => {
                ok("signature", format!("{named}, may vouch for {}", all_of(self.rows.len())))
            }
            None => warned(None, format!("nobody here knows the key {}, who says: {}", key.short(), first.claims)),
            Some(problem) => {
                let of = count(self.rows.len(), "plugin");
                warned(Some(problem.code), format!("{named}, may vouch for {counts} of {of}: {}", problem.message))
            }
        }
    }

    /// All plugins in one step, and one for each that the set is not enough for.
    fn plugins(&mut self) {
        let vouched = self.rows.iter().filter(|row| row.is_vouched()).count();
        let rows = self.rows.len();
        self.steps.push(match vouched == rows {
            true => ok("plugins", format!("the set vouches for {}", all_of(rows))),
            false => Step {
                came: Came::Warned,
                ..ok("plugins", format!("the set vouches for {vouched} of {}", count(rows, "plugin")))
            },
        });
        let of_row = |row: &Row| match row.revoked() {
            Some(error) => refused("plugin", error.code(), format!("{}: {}", row.name(), error.message())),
            None => {
                let (code, why) = row.lacks();
                let told = format!("{} stands by itself: {why}", row.name());
                Step { came: Came::Warned, code: code.map(Code::as_str), ..ok("plugin", told) }
            }
        };
        self.steps.extend(self.rows.iter().filter(|row| !row.is_vouched()).map(of_row));
    }

    fn body(&self, terms: &Terms) -> Body<'_> {
        let signatures = self.set.iter().flat_map(|set| set.envelope().signatures());
        // Of several plugins that which says most of the key.
        let signers = signatures.filter_map(|one| {
            let mut all = self.signers(one.public.id()).map(|(_, signer)| signer);
            let first = all.next()?;
            Some(SignerBody::of(all.fold(first, |best, next| if next.gives > best.gives { next } else { best })))
        });
        Body {
            ok: self.error.is_none(),
            error: self.error.as_ref().map(Into::into),
            path: shown(self.path),
            policy: terms.policy.name.clone(),
            signed: self.set.is_some(),
            steps: &self.steps,
            signers: signers.collect(),
            plugins: self.rows.iter().map(RowBody::of).collect(),
            warnings: self.warnings(),
        }
    }

    /// What is to be known beside the steps, once.
    fn warnings(&self) -> BTreeSet<&str> {
        let all = self.rows.iter().flat_map(|row| &row.verdict.warnings).map(String::as_str);
        let told = |warning: &&str| {
            warning.starts_with("signed by a key nobody") || self.steps.iter().any(|step| step.told.contains(warning))
        };
        all.filter(|warning| !told(warning)).collect()
    }

    fn page(&self) -> String {
        let width = width(&io::stdout());
        let mut text = told(&self.steps, width);
        for (at, warning) in self.warnings().into_iter().enumerate() {
            text.push_str(if at == 0 { "\n" } else { "" });
            paragraph(&mut text, "  warning  ", &safe(warning), width);
        }
        let name = safe(&shown(self.path));
        let vouched: Vec<&Row> = self.rows.iter().filter(|row| row.is_vouched()).collect();
        text.push_str(&match (&self.error, vouched.first()) {
            (Some(error), _) => format!("\n{name} is refused: {}\n", error.code()),
            (None, Some(first)) if vouched.len() == self.rows.len() => {
                format!("\n{name} vouches for {}: {}\n", all_of(self.rows.len()), safe(&first.verdict.vouched()))
            }
            (None, _) if self.set.is_none() => format!("\n{name} is unsigned\n"),
            (None, _) => {
                format!("\n{name} vouches for {} of {}\n", vouched.len(), count(self.rows.len(), "plugin"))
            }
        });
        text
    }
}

/// Why a key is revoked, as far as that can be said of no plugin in particular.
fn revoked(store: &TrustStore, key: KeyId) -> Option<&str> {
    let hard = store.revoked().iter().find(|one| one.hard && one.what == Revoked::Key(key));
    hard.map(|one| one.reason.as_str())
}

fn revoked_words(key: KeyId, why: &str) -> String {
    format!("the key {} is revoked: {why}", key.short())
}

fn all_of(plugins: usize) -> String {
    match plugins {
        1 => "its plugin".into(),
        plugins => format!("each of its {plugins} plugins"),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    path: String,
    policy: String,
    signed: bool,
    steps: &'a [Step],
    signers: Vec<SignerBody<'a>>,
    /// Only of a signed lockfile.
    plugins: Vec<RowBody<'a>>,
    warnings: BTreeSet<&'a str>,
}

#[derive(Serialize)]
struct RowBody<'a> {
    plugin: &'a str,
    version: String,
    digest: String,
    /// Whether the set is enough for it, so that its own signatures are not looked at.
    vouched: bool,
    /// What the set makes of it; null where it is refused.
    trust: Option<String>,
    /// The ids of the keys that count for it.
    keys: Vec<String>,
    /// Why the set is not enough.
    code: Option<&'static str>,
    why: Option<String>,
}

impl<'a> RowBody<'a> {
    fn of(row: &'a Row) -> Self {
        let lacks = if row.is_vouched() { None } else { Some(row.lacks()) };
        let counting = row.verdict.signers.iter().filter(|signer| signer.counts());
        RowBody {
            plugin: row.id.as_str(),
            version: row.version.to_string(),
            digest: row.digest.to_string(),
            vouched: row.is_vouched(),
            trust: if row.revoked().is_some() { None } else { Some(row.verdict.level.to_string()) },
            keys: counting.map(|signer| signer.key.to_string()).collect(),
            code: lacks.as_ref().and_then(|lacks| lacks.0).map(Code::as_str),
            why: lacks.map(|lacks| lacks.1),
        }
    }
}
