//! [`Engine::set_trust_store`] and [`Engine::set_signed_lock`]: another trust store or signed set while plugins run, and what it says of
//! those.

use std::{sync::Arc, time::SystemTime};

use modhost_backend::FileSet;
use semver::Version;

use crate::{
    audit::Event,
    call::{Moment, PluginId, Slot, Transition},
    engine::Engine,
    error::{Code, Error, Result, Stage},
    inner::Inner,
    package::{Id, Shelved},
    policy::Admission,
    verify::{Identity, SignedLock, Standing, TrustStore, Verdict, Vetted},
};

/// What another trust store or signed set changed: see [`Engine::set_trust_store`] and [`Engine::set_signed_lock`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rechecked {
    /// The plugins that are quarantined now, and why, in load order; the error names the plugin.
    pub quarantined: Vec<(PluginId, Error)>,
    /// What is to be known of plugins that go on, in load order: their ids, and a sentence each.
    pub warned: Vec<(PluginId, String, String)>,
    /// Why the store's generation is not remembered for the next run, where it should be.
    pub not_remembered: Option<Error>,
}

impl Engine {
    /// Puts another trust store in the place of the engine's, and judges at once by it what is loaded. A plugin that would be refused
    /// now (its key or the package itself was revoked), or that would get less trust than it runs with, is quarantined: see
    /// [`Engine::quarantine`]. Of those that are left the host's own checks are asked again ([`Builder::check`](crate::Builder::check)),
    /// and what they refuse is quarantined, too. One that is revoked softly goes on, with a warning. Both are in the audit, and told to
    /// whoever observes ([`Builder::on_event`](crate::Builder::on_event)): `quarantine.before` and `quarantine.after` with the error,
    /// when all are out of service, and `vet.warned` with the warning. A plugin that was vetted and is not loaded yet is judged again
    /// before anything of it runs, and when it is loaded.
    ///
    /// ```
    /// use modhost::{Engine, State, package::{Caps, Package}};
    /// use modhost::verify::{Revocation, Revoked, TrustStore};
    ///
    /// let area = tempfile::tempdir()?;
    /// std::fs::write(area.path().join("wolf.lua"), "function howl() end")?;
    /// let digest = Package::open(&area.path().join("wolf.lua"), &Caps::default())?.digest();
    /// let engine = Engine::builder().build()?;
    /// let wolf = engine.load_path(area.path().join("wolf.lua"))?;
    ///
    /// let mut store = TrustStore::default();
    /// store.revoke(Revocation::hard(Revoked::Package(digest), "it bites"))?;
    /// let rechecked = engine.set_trust_store(store)?;
    /// assert_eq!(rechecked.quarantined[0].0, wolf);
    /// assert_eq!(engine.plugins()[0].state, State::Quarantined);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::TrustGeneration`] for a store of an earlier generation than the engine's; nothing changes then, and the attempt is in the
    /// audit.
    pub fn set_trust_store(&self, store: TrustStore) -> Result<Rechecked> {
        let (inner, generation) = (self.inner(), store.generation());
        inner.gate.exchange(store).inspect_err(|error| inner.audit.error(Event::Refused, "", error))?;
        inner.audit.record(Event::TrustChanged, "", &format!("a trust store of generation {generation}"));
        Ok(self.recheck_all())
    }

    /// Puts another signed set in the place of the engine's, or none, and judges at once by it what is loaded, as
    /// [`Engine::set_trust_store`] does: a plugin that has its trust from a set which names it no more is quarantined.
    ///
    /// ```
    /// use modhost::{Engine, State, resolve::Lockfile};
    /// use modhost::verify::{Envelope, SecretKey, SignOptions, SignedLock, TrustStore, TrustedKey, sign_lock};
    /// # use modhost::package::{Caps, Package};
    ///
    /// let mods = tempfile::tempdir()?;
    /// std::fs::write(mods.path().join("wolf.lua"), "function howl() end")?;
    /// # let wolf = Package::open(&mods.path().join("wolf.lua"), &Caps::default())?;
    /// # let lockfile = Lockfile::of(&Engine::builder().build()?.resolver(&[wolf]).plan()).to_string();
    /// let key = SecretKey::generate()?;
    /// let envelope = Envelope::of(sign_lock(lockfile.as_bytes(), &key, SignOptions::new("The server"))?).to_string();
    /// let mut store = TrustStore::default();
    /// store.add_key(TrustedKey::new(key.public(), "the server", ["*".parse()?]))?;
    ///
    /// let engine = Engine::builder().trust_store(store).build()?;
    /// engine.set_signed_lock(Some(SignedLock::read(lockfile.as_bytes(), envelope.as_bytes())?));
    /// let wolf = engine.load_path(mods.path().join("wolf.lua"))?;
    /// assert_eq!(engine.plugins()[0].trust.to_string(), "verified");
    ///
    /// let rechecked = engine.set_signed_lock(None);
    /// assert_eq!(rechecked.quarantined[0].0, wolf);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_signed_lock(&self, set: Option<SignedLock>) -> Rechecked {
        let told = match &set {
            Some(set) => {
                let keys: Vec<String> = set.envelope().keys().map(|key| key.short()).collect();
                format!("a signed set of {} plugins by {}", set.plugins().len(), keys.join(" "))
            }
            None => "no signed set".into(),
        };
        self.inner().gate.exchange_set(set);
        self.inner().audit.record(Event::TrustChanged, "", &told);
        self.recheck_all()
    }

    fn recheck_all(&self) -> Rechecked {
        let inner = self.inner();
        let mut rechecked = Rechecked::default();
        // In load order; the table is not held while plugins are taken out of service.
        let mut slots: Vec<_> = inner.slots().iter().cloned().collect();
        slots.sort_by_key(|slot| slot.id.generation);
        // What is out of service stays there; what is being loaded is judged when it arrives.
        slots.retain(|slot| slot.state().after(Transition::Quarantine).is_ok());
        // First what the store says of all of them: a revocation waits for no check of the host's, and for nobody who is told of another.
        let (mut left, mut out) = (Vec::new(), Vec::new());
        for slot in slots {
            match inner.deserves(&slot) {
                Ok(found) => left.push((slot, found)),
                Err(error) => {
                    let reason = format!("it is not trusted as it was: {}", error.message());
                    self.revoke(slot, reason, error, &mut out);
                }
            }
        }
        self.tell_of(&mut out, &mut rechecked);
        let mut going_on = Vec::new();
        for (slot, found) in left {
            match inner.approve_again(&slot, &found) {
                Ok(()) => going_on.push((slot, found)),
                Err(error) => {
                    let reason = error.message().to_owned();
                    self.revoke(slot, reason, error, &mut out);
                }
            }
        }
        self.tell_of(&mut out, &mut rechecked);
        for (slot, found) in going_on {
            for warning in found.warnings {
                inner.warn_of(&slot, &warning);
                rechecked.warned.push((slot.id, slot.about.name.clone(), warning));
            }
        }
        rechecked.quarantined.sort_by_key(|(plugin, _)| plugin.generation);
        rechecked.not_remembered = inner.remember(std::iter::empty());
        rechecked
    }

    fn revoke(&self, slot: Arc<Slot>, reason: String, error: Error, out: &mut Vec<(Arc<Slot>, String, Error)>) {
        // One that went meanwhile is out of service all the same.
        if self.take_out(&slot, &reason, Some(&error)).is_ok() {
            out.push((slot, reason, error));
        }
    }

    /// Records and tells who was taken out of service, in load order.
    fn tell_of(&self, out: &mut Vec<(Arc<Slot>, String, Error)>, rechecked: &mut Rechecked) {
        for (slot, reason, error) in out.drain(..) {
            let audit = &self.inner().audit;
            slot.tell(Transition::Quarantine, Moment::Before, Some(&error));
            audit.record(Event::Quarantined, &slot.about, &reason);
            audit.error(Event::Revoked, &slot.about, &error);
            slot.tell(Transition::Quarantine, Moment::After, Some(&error));
            rechecked.quarantined.push((slot.id, error));
        }
    }
}

/// Whether a warning of a verdict is one about a revocation: of what is revoked softly, or that a list of them is too old to tell.
pub(crate) fn is_of_revocation(warning: &str) -> bool {
    warning.contains(" is revoked: ") || warning.starts_with("the revocation list of ")
}

/// What was found out about a plugin that runs, and may go on.
pub(crate) struct Found {
    pub(crate) id: Id,
    pub(crate) standing: Standing,
    /// What is to be said of it that was not when it was loaded.
    pub(crate) warnings: Vec<String>,
}

impl Inner {
    /// The date.
    pub(crate) fn wall(&self) -> SystemTime {
        self.audit.wall()
    }

    /// Whether a loaded plugin would get today what it runs with, as far as the trust store has a say.
    ///
    /// # Errors
    /// Why it would be refused, or get less.
    pub(crate) fn deserves(&self, slot: &Slot) -> Result<Found> {
        let about = &slot.about;
        let (loaded, bug) = (&about.standing, || Error::new(Code::InternalBug, Stage::Engine, "a plugin has no id"));
        let id = Id::new(&about.name).map_err(|_| bug())?;
        let (digest, envelope) = (loaded.verdict.digest, about.envelope.as_deref());
        let identity = Identity { id: &id, version: &about.version, digest, envelope };
        let standing = self.pass_again(&identity, loaded)?;
        let new = |warning: &&String| !loaded.verdict.warnings.contains(warning);
        let warnings = standing.verdict.warnings.iter().filter(new).cloned().collect();
        Ok(Found { id, standing, warnings })
    }

    /// What a vetted plugin that has its box deserves when it is about to run. Between vetting and this lies as long as the host likes:
    /// where there is another store or set since, or the verdict has come to its end, it is found out anew, and the host's own check is
    /// asked again if the answer is another. It is never more than the box was given for; and it keeps the number of the store that it
    /// was vetted under, so that it is judged once more when it arrives.
    ///
    /// # Errors
    /// Why it would be refused, or get less; and `verify.refused`.
    pub(crate) fn still_deserves(
        &self,
        plugin: &Vetted<Shelved>,
        contents: &FileSet,
        admission: &Admission,
    ) -> Result<Standing> {
        let (vetted, package) = (plugin.standing(), plugin.get());
        let now = self.gate.time(self.wall()).0;
        if self.gate.epoch() == vetted.epoch && vetted.verdict.holds_at(now) {
            return Ok(vetted.clone());
        }
        let (digest, envelope) = (vetted.verdict.digest, package.envelope());
        let identity = Identity { id: package.id(), version: package.version(), digest, envelope };
        let found = Standing { trust: vetted.trust, epoch: vetted.epoch, ..self.pass_again(&identity, vetted)? };
        let seen = |standing: &Standing| {
            let Verdict { level, signers, threshold, by_set, allowed, warnings, .. } = (*standing.verdict).clone();
            (standing.vouched.clone(), level, signers, threshold, by_set, allowed, warnings)
        };
        if seen(&found) != seen(vetted) {
            self.approve_as(package, contents, &found, admission)?;
        }
        Ok(found)
    }

    /// What the gate says now of what it took before.
    fn pass_again(&self, identity: &Identity<'_>, before: &Standing) -> Result<Standing> {
        let standing = self.gate.pass(identity, &self.policy, self.wall())?;
        if standing.trust < before.trust {
            let (now, then) = (standing.trust, before.trust);
            let message = format!("it was taken as {then} ({}), and is {now} ({})", before.vouched, standing.vouched);
            return Err(Error::new(Code::DeniedTrust, Stage::Vet, message).of(identity.id.as_str()));
        }
        Ok(standing)
    }

    /// Says what is to be known of a plugin that goes on.
    pub(crate) fn warn_of(&self, slot: &Slot, warning: &str) {
        tracing::warn!(plugin = slot.about.name, "{warning}");
        self.audit.record(Event::Revoked, &slot.about, &format!("it goes on, with a warning: {warning}"));
        slot.warn(warning);
    }

    /// Remembers what was loaded. What fails is in the audit, and keeps nobody from playing.
    pub(crate) fn remember<'a>(
        &self,
        loaded: impl Iterator<Item = (&'a Id, &'a Version, &'a Verdict)>,
    ) -> Option<Error> {
        let error = self.gate.remember(loaded, self.wall()).err()?;
        tracing::error!("what was loaded is not remembered for the next run: {error}");
        self.audit.error(Event::Failed, "", &error);
        Some(error)
    }
}
