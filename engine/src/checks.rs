//! The host's own checks of plugins. A [`Review`] is what they are shown: what the gate and the policy found, which they can only narrow.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use modhost_backend::{Kind, Limits};
use semver::Version;

use crate::{
    audit::escape,
    call::Slot,
    error::{Code, Error, Result, Stage},
    host::{self, panic_text},
    inner::Inner,
    nesting::Questions,
    package::{Artefact, Id, Package},
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
pub(crate) struct Checks {
    checks: Vec<Box<Check>>,
    /// Shared with those who observe.
    pub(crate) questions: Arc<Questions>,
}

impl Checks {
    pub(crate) fn add(&mut self, check: Box<Check>) {
        self.checks.push(check);
    }

    /// Asks one after the other. No lock is held: a check takes as long as it takes, and may call the engine.
    ///
    /// # Errors
    /// `verify.refused`, by the first that refuses or panics; `host.check-depth` of a plugin that is to be loaded, where checks load
    /// plugins without end.
    fn ask(&self, review: &Review<'_>) -> Result<()> {
        let _asked = match review.package {
            Some(_) => self.questions.ask().map_err(|error| error.of(review.id.as_str()))?,
            None => self.questions.go_on(),
        };
        self.checks.iter().try_for_each(|check| {
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
    /// Whether a step may be taken that the host's own checks are asked about again, or its observers told of: to be asked before it
    /// changes anything. What is refused is in the audit.
    ///
    /// # Errors
    /// `host.check-depth`.
    pub(crate) fn may_step(&self) -> Result<()> {
        self.checks.questions.may_ask().inspect_err(|error| self.not_taken(error))
    }

    /// Asks the host about a plugin that has its box.
    ///
    /// # Errors
    /// `verify.refused`, `host.check-depth`.
    pub(crate) fn approve(&self, plugin: &Vetted<Package>, admission: &Admission) -> Result<()> {
        self.approve_as(plugin.get(), plugin.standing(), admission)
    }

    /// [`Inner::approve`], of one of which this was found out now.
    ///
    /// # Errors
    /// `verify.refused`, `host.check-depth`.
    pub(crate) fn approve_as(&self, package: &Package, standing: &Standing, admission: &Admission) -> Result<()> {
        if self.checks.checks.is_empty() {
            return Ok(());
        }
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
    /// `verify.refused`, `host.check-depth`.
    pub(crate) fn approve_again(&self, slot: &Slot, found: &Found) -> Result<()> {
        if self.checks.checks.is_empty() {
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
