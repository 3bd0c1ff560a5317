//! The host's own checks of plugins. A [`Review`] is what they are shown: what the gate and the policy found, which they can only narrow.

use std::panic::{AssertUnwindSafe, catch_unwind};

use modhost_backend::{FileSet, Kind, Limits};
use semver::Version;

use crate::{
    audit::escape,
    call::Slot,
    error::{Code, Error, Result, Stage},
    host::{self, panic_text},
    inner::Inner,
    package::{Artefact, Id, Outline, Package, Shelved},
    policy::{Admission, TrustLevel},
    revoking::Found,
    verify::{Standing, Verdict, Vetted},
};

/// The longest reason of a refusal, in characters.
const REASON: usize = 200;

/// What is known of a plugin when the host's own check is asked about it: see [`Builder::check`](crate::Builder::check). Nothing of it
/// has been compiled or has run yet, unless it runs already and is judged again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Review<'a> {
    /// Its id.
    pub id: &'a Id,
    /// Its version.
    pub version: &'a Version,
    /// What was found out about its signatures, and its digest ([`Verdict::digest`]).
    pub verdict: &'a Verdict,
    /// How far it is trusted, after the policy had its say.
    pub trust: TrustLevel,
    /// Who vouches for it, in words.
    pub vouched: &'a str,
    /// The backend that is to run it.
    pub backend: &'a Kind,
    /// What it may use.
    pub limits: &'a Limits,
    /// The capabilities that it gets, or has by now.
    pub capabilities: &'a [String],
    /// The build that is to be loaded; `None` for a plugin that runs already.
    pub artefact: Option<&'a Artefact>,
    /// The plugin as it was read: its manifest and its files. `None` for a plugin that runs already, of which the engine keeps neither.
    pub package: Option<&'a Package>,
}

/// One check of the host's.
pub(crate) type Check = dyn Fn(&Review<'_>) -> Result<(), String> + Send + Sync;

/// All checks of the host's, in the order in which they are asked.
#[derive(Default)]
pub(crate) struct Checks(Vec<Box<Check>>);

impl Checks {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, check: Box<Check>) {
        self.0.push(check);
    }

    /// Asks one after the other. No lock is held: a check takes as long as it takes, and may call the engine.
    ///
    /// # Errors
    /// `verify.refused`, by the first that refuses or panics.
    fn ask(&self, review: &Review<'_>) -> Result<()> {
        self.0.iter().try_for_each(|check| {
            let answer = catch_unwind(AssertUnwindSafe(|| check(review)));
            let reason = match answer {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) if reason.is_empty() => "it gives no reason".into(),
                Ok(Err(reason)) => escape(&reason, REASON),
                // Whoever could not look has not seen that it is good.
                Err(panic) => format!("it panicked: {}", escape(panic_text(&*panic), REASON)),
            };
            let message = format!("the host's own check refuses it: {reason}");
            Err(Error::new(Code::VerifyRefused, Stage::Admit, message).of(review.id.as_str()))
        })
    }
}

impl Inner {
    /// Asks the host about a plugin that has its box.
    ///
    /// # Errors
    /// `verify.refused`.
    pub(crate) fn approve(&self, plugin: &Vetted<Shelved>, contents: &FileSet, admission: &Admission) -> Result<()> {
        self.approve_as(plugin.get(), contents, plugin.standing(), admission)
    }

    /// [`Inner::approve`], of one of which this was found out now.
    ///
    /// # Errors
    /// `verify.refused`.
    pub(crate) fn approve_as(
        &self,
        outline: &Outline,
        contents: &FileSet,
        standing: &Standing,
        admission: &Admission,
    ) -> Result<()> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let package = &Package::of(outline, contents);
        let capabilities = host::grants(&self.registry, package, admission.capabilities()).open();
        self.checks.ask(&Review {
            id: package.id(),
            version: package.version(),
            verdict: &standing.verdict,
            trust: standing.trust,
            vouched: &standing.vouched,
            backend: &admission.artefact().kind,
            limits: admission.limits(),
            capabilities: &capabilities,
            artefact: Some(admission.artefact()),
            package: Some(package),
        })
    }

    /// Asks the host about a plugin that runs, and of which this was found out now.
    ///
    /// # Errors
    /// `verify.refused`.
    pub(crate) fn approve_again(&self, slot: &Slot, found: &Found) -> Result<()> {
        if self.checks.is_empty() {
            return Ok(());
        }
        self.checks.ask(&Review {
            id: &found.id,
            version: &slot.about.version,
            verdict: &found.standing.verdict,
            // What it runs with; more it gets when it is loaded again.
            trust: slot.about.trust(),
            vouched: &found.standing.vouched,
            backend: &slot.about.kind,
            limits: slot.meter.limits(),
            capabilities: &slot.grants.open(),
            artefact: None,
            package: None,
        })
    }
}
