//! [`judge`]: what a package's signatures are worth under a store and a policy, at a time.
//!
//! The order: what is revoked, the form of the envelope, every signature, then each key. Nothing is looked up before all
//! signatures hold, and a signature counts by its public key alone, which is compared, never named.

use std::{collections::BTreeSet, time::SystemTime};

use semver::Version;
use sha2::{Digest as _, Sha256};

use super::{
    Date, Digest, Envelope, Finding, KeyId, Signature, SignedLock, Signer, Verdict,
    store::{Known, Revocation, Revoked, TrustStore},
};
use crate::{
    error::{Code, Result},
    package::Id,
    policy::{Policy, TrustLevel},
};

/// What is judged: all that is known of a package before anything in it is parsed.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The id that `index` names.
    pub id: &'a Id,
    /// The version that `index` names.
    pub version: &'a Version,
    /// The bytes of `META/files`.
    pub index: &'a [u8],
    /// The bytes of `META/signatures`; `None` for an unsigned package.
    pub envelope: Option<&'a [u8]>,
}

impl Subject<'_> {
    /// The identity of the package.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(Sha256::digest(self.index).into())
    }
}

/// The same by its digest: the list itself is needed no more, so that it can be judged again while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) id: &'a Id,
    pub(crate) version: &'a Version,
    pub(crate) digest: Digest,
    pub(crate) envelope: Option<&'a [u8]>,
}

impl<'a> From<&Subject<'a>> for Identity<'a> {
    fn from(subject: &Subject<'a>) -> Self {
        let Subject { id, version, envelope, .. } = *subject;
        Identity { id, version, digest: subject.digest(), envelope }
    }
}

/// [`judge`], as an error where the package is refused.
///
/// # Errors
/// The first [`Verdict::errors`].
pub fn decide(subject: &Subject<'_>, store: &TrustStore, policy: &Policy, now: SystemTime) -> Result<Verdict> {
    judge(subject, store, policy, now).accept(subject.id)
}

/// Finds out how far a package is to be trusted.
///
/// * A signature that does not hold, and a malformed envelope, refuse the package whatever the policy says; so does a hard
///   revocation.
/// * A signature counts if its key is in the store, or has its trust from there by delegations; is neither before nor after its
///   dates; may vouch for this plugin; and gives at least `verified`. As many different keys as the threshold says (the store's
///   or [`Policy::signatures`], whichever is more) make the package verified.
/// * It is trusted if, beyond that, one of them is pinned for the publisher, may give so much, and [`Policy::vendors`] names
///   the publisher.
/// * Where a signed set names the package and its signatures suffice for that, they stand in the place of its own: see
///   [`SignedLock`], which a [`Verdicts`](super::Verdicts) or an engine holds.
/// * Short of the threshold: a signature of a known key that does not count refuses the package, with its cause. Else it is
///   untrusted, unless the policy demands more.
///
/// ```
/// use std::time::SystemTime;
/// use modhost::{Policy, TrustLevel, package::Id, verify::{Envelope, SecretKey, SignOptions, Subject, TrustStore, judge, sign_index}};
///
/// let key = SecretKey::generate()?;
/// let index = b"modhost-files 1\nacme.wolf\n1.0.0\n";
/// let envelope = Envelope::of(sign_index(index, &key, SignOptions::new("Acme"))?).to_string();
///
/// let (id, version) = (Id::new("acme.wolf")?, "1.0.0".parse()?);
/// let wolf = Subject { id: &id, version: &version, index, envelope: Some(envelope.as_bytes()) };
/// let verdict = judge(&wolf, &TrustStore::default(), &Policy::mods(), SystemTime::now());
/// assert!(verdict.errors.is_empty());
/// assert_eq!(verdict.level, TrustLevel::Untrusted);
/// assert!(verdict.vouched().starts_with("signed by a key nobody here knows"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn judge(subject: &Subject<'_>, store: &TrustStore, policy: &Policy, now: SystemTime) -> Verdict {
    judged(&subject.into(), None, store, policy, now)
}

/// [`judge`], with the signed set that there is.
pub(super) fn judged(
    subject: &Identity<'_>,
    set: Option<&SignedLock>,
    store: &TrustStore,
    policy: &Policy,
    now: SystemTime,
) -> Verdict {
    let now = Date::of(now);
    let mut verdict = begun(subject, store, policy, now);
    let (lacks, revoked) = match set {
        Some(set) if set.names(subject) => of_set(&mut verdict, set, subject.id, store, policy, now),
        Some(set) => (set.names_other(subject), None),
        None => (None, None),
    };
    if verdict.by_set {
        revoked_itself(&mut verdict, subject, store);
    }
    if let Some(envelope) = subject.envelope.filter(|_| !verdict.by_set) {
        let Some(envelope) = held(&mut verdict, envelope, &subject.digest) else { return verdict };
        for signature in envelope.signatures() {
            of_signer(&mut verdict, signature, subject.id, store, policy, now);
        }
    }
    level(&mut verdict, subject, store, policy);
    if let Some(revoked) = revoked.filter(|_| verdict.level == TrustLevel::Untrusted) {
        // Whoever counts on a set hears that its key was taken back, and not that the package is unsigned.
        verdict.errors.insert(0, revoked);
    }
    if verdict.by_set && verdict.errors.is_empty() && verdict.level < TrustLevel::Trusted && is_vendors(subject, policy)
    {
        // Whoever signs a set takes nothing away from what the vendor signed.
        let own = judged(subject, None, store, policy, now.time());
        if own.level > verdict.level {
            return own;
        }
    }
    if let Some(lacks) = lacks {
        // Whoever counted on the set is told why it is not enough, where it is refused, too.
        let short = [Code::DeniedTrust, Code::VerifyUnknownSigner, Code::VerifyThreshold];
        let errors = verdict.errors.iter_mut().filter(|one| short.contains(&one.code));
        errors.for_each(|one| one.message = format!("{}; {lacks}", one.message));
        verdict.warnings.push(lacks);
    }
    verdict
}

/// Whether its own signatures could make it trusted.
fn is_vendors(subject: &Identity<'_>, policy: &Policy) -> bool {
    subject.envelope.is_some() && subject.id.publisher().is_some_and(|publisher| policy.vendors.contains(publisher))
}

/// What a revoked key signed stays revoked, whatever set names it: the keys of the package's own signatures are looked up, and no
/// signature is verified for that.
fn revoked_itself(verdict: &mut Verdict, subject: &Identity<'_>, store: &TrustStore) {
    if !store.revoked().iter().any(|one| matches!(one.what, Revoked::Key(_))) {
        return;
    }
    let Some(Ok(own)) = subject.envelope.map(Envelope::parse) else { return };
    for key in own.keys().filter(|key| verdict.signers.iter().all(|signer| signer.key != *key)).collect::<Vec<_>>() {
        for one in store.against(subject.id, |one| one.what == Revoked::Key(key)) {
            note(verdict, one, Some(key), &format!("the key {}, which signed it,", key.short()));
        }
    }
}

/// What the signatures of `set`, which names the package, are worth for it, as if they were its own.
pub(super) fn by_set_alone(
    subject: &Identity<'_>,
    set: &SignedLock,
    store: &TrustStore,
    policy: &Policy,
    now: SystemTime,
) -> Verdict {
    let now = Date::of(now);
    let mut verdict = begun(subject, store, policy, now);
    verdict.by_set = true;
    for signature in set.envelope().signatures() {
        of_signer(&mut verdict, signature, subject.id, store, policy, now);
    }
    level(&mut verdict, subject, store, policy);
    verdict
}

/// The verdict before any signature was looked at.
fn begun(subject: &Identity<'_>, store: &TrustStore, policy: &Policy, now: Date) -> Verdict {
    let mut verdict = Verdict {
        digest: subject.digest,
        level: TrustLevel::Untrusted,
        signers: Vec::new(),
        threshold: (store.threshold(subject.id).max(policy.signatures), 0),
        by_set: false,
        allowed: None,
        errors: Vec::new(),
        warnings: Vec::new(),
        kept: (now, None),
    };
    of_package(&mut verdict, subject, store, now);
    verdict
}

/// Puts the signers of a set that names the package in the place of its own where they suffice, and where one of their keys is
/// revoked, which refuses it. Else nothing is left of them but why: the package stands by itself. The second part is there if one of them
/// has its trust from a revoked key: it refuses the package, unless that is more than untrusted by itself.
fn of_set(
    verdict: &mut Verdict,
    set: &SignedLock,
    id: &Id,
    store: &TrustStore,
    policy: &Policy,
    now: Date,
) -> (Option<String>, Option<Finding>) {
    let (errors, warnings) = (verdict.errors.len(), verdict.warnings.len());
    for signature in set.envelope().signatures() {
        of_signer(verdict, signature, id, store, policy, now);
    }
    let (required, count) = (verdict.threshold.0, counting(&verdict.signers));
    verdict.by_set = count >= required || verdict.errors.len() > errors;
    if verdict.by_set {
        return (None, None);
    }
    verdict.warnings.truncate(warnings);
    let problems = || verdict.signers.iter().filter_map(|signer| signer.problem.as_ref());
    let revoked = problems().find(|problem| problem.code == Code::TrustRevoked).cloned();
    let why = |signer: Signer| match signer.problem {
        Some(problem) => Some(problem.message),
        None if signer.is_known() => None,
        None => Some(format!("nobody here knows the key {}", signer.key.short())),
    };
    let why: Vec<String> = verdict.signers.drain(..).filter_map(why).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    (Some(format!("the signed set names it, and {count} of {required} keys vouch for it there{why}")), revoked)
}

/// Whether so many different keys counted. The one place where signatures are counted.
fn counting(signers: &[Signer]) -> u32 {
    let keys: BTreeSet<&[u8; 32]> =
        signers.iter().filter(|signer| signer.counts()).map(|signer| signer.public.as_bytes()).collect();
    u32::try_from(keys.len()).unwrap_or(u32::MAX)
}

fn finding(code: Code, message: impl Into<String>) -> Finding {
    Finding { code, message: message.into(), key: None }
}

fn of_key(key: KeyId, code: Code, message: String) -> Finding {
    Finding { key: Some(key), ..finding(code, message) }
}

/// Sees that nothing is kept beyond a moment at which it may change.
fn until(verdict: &mut Verdict, date: Option<Date>, now: Date) {
    if let Some(date) = date.filter(|date| *date > now) {
        verdict.kept.1 = Some(verdict.kept.1.map_or(date, |end| end.min(date)));
    }
}

/// What is said of the package itself.
fn of_package(verdict: &mut Verdict, subject: &Identity<'_>, store: &TrustStore, now: Date) {
    let digest = verdict.digest;
    for one in store.against(subject.id, |one| one.meets(subject.id, subject.version, &digest)) {
        let what = format!("{} {}", subject.id, subject.version);
        note(verdict, one, None, &what);
    }
    for (issuer, seen) in store.lists() {
        until(verdict, Some(seen.until), now);
        if seen.until <= now {
            let message = format!(
                "the revocation list of {} ended at {}: what was revoked since is not known here",
                issuer.short(),
                seen.until
            );
            verdict.warnings.push(message);
        }
    }
    if let Some(allowed) = store.allows(&digest) {
        if allowed.id == *subject.id && allowed.version == *subject.version {
            verdict.allowed = Some(allowed.note.clone());
        } else {
            let (id, version) = (&allowed.id, &allowed.version);
            verdict.warnings.push(format!("the allow-list takes this digest for {id} {version}, which it is not"));
        }
    }
}

/// A revocation: an error or a warning.
fn note(verdict: &mut Verdict, revocation: &Revocation, key: Option<KeyId>, what: &str) {
    let by = revocation.list.map(|issuer| format!(", says the list of {}", issuer.short())).unwrap_or_default();
    let message = format!("{what} is revoked: {}{by}", revocation.reason);
    if revocation.hard {
        verdict.errors.push(Finding { key, ..finding(Code::TrustRevoked, message) });
    } else {
        verdict.warnings.push(message);
    }
}

/// The envelope, if it is well-formed and every signature in it holds.
fn held(verdict: &mut Verdict, envelope: &[u8], digest: &Digest) -> Option<Envelope> {
    let envelope = match Envelope::parse(envelope) {
        Ok(envelope) => envelope,
        Err(error) => {
            let place = error.at().map(|place| format!("{place}: ")).unwrap_or_default();
            verdict.errors.push(finding(error.code(), format!("{place}{}", error.message())));
            return None;
        }
    };
    let before = verdict.errors.len();
    for signature in envelope.signatures().iter().filter(|signature| !signature.holds_for(digest)) {
        let message = format!(
            "the signature of the key {} (it says: {}) does not hold: the list of files or the signature was changed",
            signature.public.id().short(),
            signature.signer
        );
        verdict.errors.push(of_key(signature.public.id(), Code::VerifyBadSignature, message));
    }
    (verdict.errors.len() == before).then_some(envelope)
}

/// What one signature, which holds, is worth.
fn of_signer(verdict: &mut Verdict, signature: &Signature, id: &Id, store: &TrustStore, policy: &Policy, now: Date) {
    let key = signature.public.id();
    for one in store.against(id, |one| one.what == Revoked::Key(key)) {
        note(verdict, one, Some(key), &format!("the key {}", key.short()));
    }
    let mut signer = Signer {
        public: signature.public,
        key,
        label: None,
        claims: signature.signer.clone(),
        delegated_by: Vec::new(),
        expires: signature.expires,
        meta: signature.meta.clone(),
        gives: TrustLevel::Untrusted,
        problem: None,
    };
    let mut problem = None;
    let mut over = BTreeSet::new();
    for known in store.known(&signature.public) {
        until(verdict, known.from, now);
        until(verdict, known.until, now);
        let above = known.link.map(|link| store.above(link)).unwrap_or_default();
        over.extend(above.iter().copied());
        match standing(&known, &above, id, store, now) {
            Ok(gives) if gives > signer.gives => {
                (signer.gives, signer.delegated_by, signer.label) = (gives, above, Some(known.label.to_owned()));
            }
            Ok(_) => {}
            Err(why) => {
                let label = signer.label.get_or_insert_with(|| known.label.to_owned());
                problem
                    .get_or_insert_with(|| of_key(key, why.0, format!("the key {} ({label}) {}", key.short(), why.1)));
            }
        }
    }
    // A hard one is the problem of the way that goes through it.
    for above in over {
        for one in store.against(id, |one| !one.hard && one.what == Revoked::Key(above)) {
            let what = format!("the key {}, from which {} has its trust,", above.short(), key.short());
            note(verdict, one, Some(above), &what);
        }
    }
    // One good way to know a key is enough.
    signer.problem = problem.filter(|_| signer.gives == TrustLevel::Untrusted);
    until(verdict, signature.expires, now);
    if let Some((code, why)) = ended(signature, policy, now) {
        signer.problem =
            Some(of_key(key, code, format!("the signature of {} ({}) {why}", key.short(), signature.signer)));
        signer.gives = TrustLevel::Untrusted;
    }
    if !signer.is_known() {
        verdict.warnings.push(format!("signed by a key nobody here knows ({})", key.short()));
    }
    verdict.signers.push(signer);
}

/// How much trust one way of knowing a key gives for a plugin.
fn standing(
    known: &Known<'_>,
    above: &[KeyId],
    id: &Id,
    store: &TrustStore,
    now: Date,
) -> std::result::Result<TrustLevel, (Code, String)> {
    let revoked = |key: &KeyId| {
        let hard = store.against(id, move |one| one.hard && one.what == Revoked::Key(*key)).next();
        hard.map(|one| {
            (Code::TrustRevoked, format!("has its trust from {}, which is revoked: {}", key.short(), one.reason))
        })
    };
    if let Some(why) = above.iter().find_map(revoked) {
        return Err(why);
    }
    let ended = if known.link.is_some() { Code::TrustDelegationExpired } else { Code::TrustKeyExpired };
    if let Some(from) = known.from.filter(|from| now < *from) {
        let code = if known.link.is_some() { Code::TrustDelegationExpired } else { Code::TrustKeyNotYet };
        return Err((code, format!("counts from {from} on, and it is {now}")));
    }
    if let Some(until) = known.until.filter(|until| *until <= now) {
        return Err((ended, format!("counted until {until}, and it is {now}")));
    }
    if !known.namespaces.iter().any(|pattern| pattern.holds(id)) {
        let own: Vec<String> = known.namespaces.iter().map(ToString::to_string).collect();
        return Err((Code::TrustNamespace, format!("may vouch for {}, not for {id}", own.join(", "))));
    }
    if known.ceiling == TrustLevel::Untrusted {
        return Err((Code::TrustCeiling, "may give no trust: its ceiling is untrusted".into()));
    }
    Ok(known.ceiling)
}

/// Whether a signature came to the end that it gives itself, or gives itself none that the policy takes.
fn ended(signature: &Signature, policy: &Policy, now: Date) -> Option<(Code, String)> {
    if let Some(end) = signature.expires.filter(|end| *end <= now) {
        return Some((Code::VerifyExpired, format!("ended at {end}, and it is {now}")));
    }
    let most = policy.signature_max_age?;
    match signature.expires {
        None => Some((Code::VerifyLifetime, format!("has no end, and the policy `{}` wants one", policy.name))),
        Some(end) if end > now.after(most) => {
            let latest = now.after(most);
            let message = format!("lasts until {end}, and the policy `{}` takes none beyond {latest}", policy.name);
            Some((Code::VerifyLifetime, message))
        }
        Some(_) => None,
    }
}

/// Draws the sum.
fn level(verdict: &mut Verdict, subject: &Identity<'_>, store: &TrustStore, policy: &Policy) {
    let (required, count) = (verdict.threshold.0, counting(&verdict.signers));
    verdict.threshold.1 = count;
    let mut problems: Vec<Finding> = verdict.signers.iter().filter_map(|signer| signer.problem.clone()).collect();
    // The first is the code of a refusal, and what was revoked is the cause that matters.
    problems.sort_by_key(|problem| problem.code != Code::TrustRevoked);
    let demanded = policy.signatures.max(u32::from(policy.require_trusted_signer));
    let name = &policy.name;
    let mut found = TrustLevel::Untrusted;
    if count >= required {
        found = TrustLevel::Verified;
        if let Some(publisher) = subject.id.publisher().filter(|publisher| policy.vendors.contains(*publisher)) {
            let full = |signer: &&Signer| signer.counts() && signer.gives == TrustLevel::Trusted;
            if verdict.signers.iter().filter(full).any(|signer| store.is_pinned(publisher, &signer.key)) {
                found = TrustLevel::Trusted;
            }
        }
        verdict.warnings.extend(problems.into_iter().map(|problem| problem.message));
    } else if !problems.is_empty() && (verdict.allowed.is_none() || demanded > 0) {
        verdict.errors.extend(problems);
    } else if demanded > 0 && verdict.signers.is_empty() {
        let wants = match demanded {
            1 => "a signature of a trusted key".to_owned(),
            many => format!("signatures of {many} trusted keys"),
        };
        let message = format!("the plugin is unsigned, and the policy `{name}` wants {wants}");
        verdict.errors.push(finding(Code::DeniedTrust, message));
    } else if demanded > 0 && count == 0 {
        let message = format!("no key that signed is known here, and the policy `{name}` wants one that is");
        verdict.errors.push(finding(Code::VerifyUnknownSigner, message));
    } else if demanded > 0 {
        let message = format!("{count} of {required} keys signed that are needed");
        verdict.errors.push(finding(Code::VerifyThreshold, message));
    } else if verdict.allowed.is_some() {
        found = TrustLevel::Verified;
        verdict.warnings.extend(problems.into_iter().map(|problem| problem.message));
    } else if verdict.signers.is_empty() && !policy.unsigned {
        let message = format!("the plugin is unsigned, and the policy `{name}` takes signed ones only");
        verdict.errors.push(finding(Code::DeniedTrust, message));
    } else if count > 0 {
        verdict.warnings.push(format!("{count} of {required} keys signed that are needed: it is taken as untrusted"));
    }
    if verdict.errors.is_empty() {
        verdict.level = found;
    }
}
