//! [`Examination`]: what the engine would make of a plugin, found out without running anything of it. It opens, vets, resolves and
//! admits as loading does, by the same functions, asks the host's own checks, and stops there: nothing is refused, so nothing is recorded.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use modhost_abi::Capability;
use modhost_backend::Backend;
use semver::Version;

use crate::{
    engine::Engine,
    error::{Code, Error, Result, Stage},
    package::{Artefact, Id, Listing, Opened, Package},
    policy::{self, Admission, TrustLevel},
    resolve::{Wish, resolve},
    steps::trusted_first,
    verify::{Verdict, Vetted, identity, vet},
};

/// What the engine would make of a plugin: see [`Engine::examine`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Examination {
    /// The plugin as it was read.
    pub package: Package,
    /// How far it would be trusted; `None` where the policy refuses it already for that.
    pub trust: Option<TrustLevel>,
    /// Who vouches for it, in words.
    pub vouched: String,
    /// What was found out about its signatures, also where they are refused.
    pub signatures: Verdict,
    /// Every build of it that this target could load, in the package's order.
    pub candidates: Vec<Candidate>,
    /// What it asks for, and whether it would get it. A plugin without a manifest asks for whatever it is granted.
    pub asks: Vec<Asked>,
    /// The build, the limits and the grants that it would get; `None` where none can be taken.
    pub admission: Option<Admission>,
    /// Why it would not be loaded: at most one of each stage, in the order of the stages. Empty where it would be, as far as can
    /// be known without running it.
    pub problems: Vec<Error>,
    /// Of several versions of a plugin one counts: which, where it is not this one. This one is not loaded then, and has no problem
    /// for that.
    pub instead: Option<Version>,
}

/// One build of a plugin, and what the policy says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// The build.
    pub artefact: Artefact,
    /// Its size, in bytes.
    pub bytes: usize,
    /// What the policy says of it.
    pub admissibility: Admissibility,
}

/// What the policy says of one build.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Admissibility {
    /// It is the one that would be loaded.
    Taken,
    /// It could be loaded; the policy prefers another, or nothing of the plugin would be loaded.
    Admissible,
    /// It could not, for these reasons, the weightiest first.
    Refused(Vec<String>),
}

/// A capability that a plugin asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// The capability.
    pub capability: Capability,
    /// Whether it says that it cannot do without.
    pub required: bool,
    /// Whether it would be granted.
    pub granted: bool,
}

impl Engine {
    /// Says what [`Engine::load_path`] would do with a plugin, without running anything of it: which build is admitted and why others
    /// are not, which limits and capabilities it gets, and what keeps it from being loaded. Exports are known only by loading.
    ///
    /// ```
    /// use modhost::{Admissibility, Engine};
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("wolf.lua"), "error('never run here')")?;
    ///
    /// let engine = Engine::builder().build()?;
    /// let wolf = engine.examine(folder.path().join("wolf.lua"))?;
    /// assert!(wolf.problems.is_empty());
    /// assert_eq!(wolf.candidates[0].admissibility, Admissibility::Taken);
    /// assert_eq!(wolf.admission.unwrap().limits().fuel, 10_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the plugin cannot be read: those of [`Package::open`]; or why it is refused before what cannot be read would be looked at.
    pub fn examine(&self, path: impl AsRef<Path>) -> Result<Examination> {
        let package = self.parsed(Package::read(path.as_ref(), &self.policy().caps)?)?;
        let one = self.examine_packages(vec![package]).pop();
        one.ok_or_else(|| Error::new(Code::InternalBug, Stage::Engine, "a plugin was lost while it was examined"))
    }

    /// [`Engine::examine`] of every plugin of a folder as [`Engine::load_dir`] takes them, together: one may need another. One that
    /// cannot be read is an error in its place. By id, then version; of the same version what is trusted most comes first.
    ///
    /// # Errors
    /// Only where the folder itself cannot be read, or holds no plugin.
    pub fn examine_dir(&self, path: impl AsRef<Path>) -> Result<Vec<Result<Examination>>> {
        let mut packages = Vec::new();
        let mut unreadable = Vec::new();
        let mut readable = Vec::new();
        let caps = &self.policy().caps;
        for opened in Listing::of(path.as_ref(), caps)?.read(caps, &mut |_| ())? {
            let package = opened.and_then(|opened| self.parsed(opened));
            readable.push(package.is_ok());
            match package {
                Ok(package) => packages.push(package),
                Err(error) => unreadable.push(error),
            }
        }
        let mut examined = self.examine_packages(packages).into_iter();
        let mut unreadable = unreadable.into_iter();
        let next = |readable| if readable { examined.next().map(Ok) } else { unreadable.next().map(Err) };
        Ok(readable.into_iter().filter_map(next).collect())
    }

    /// Parses a plugin although it may be refused: it is only looked at. Where that fails, what loading refuses it for before is the error.
    fn parsed(&self, opened: Opened) -> Result<Package> {
        let inner = self.inner();
        let first = inner.gate.pass(&identity(&opened), &inner.policy, inner.wall()).err();
        opened.parse(&inner.policy.caps).map_err(|error| first.unwrap_or(error))
    }

    /// One for each package, in their order.
    fn examine_packages(&self, packages: Vec<Package>) -> Vec<Examination> {
        let (inner, policy) = (self.inner(), self.policy());
        let wall = inner.wall();
        let mut all = Vec::new();
        let (mut vetted, mut places) = (Vec::new(), Vec::new());
        let judged = packages.into_iter().map(|package| {
            let proof = vet(package.clone().into(), policy, &inner.gate, wall);
            (package, proof)
        });
        let mut judged: Vec<_> = judged.collect();
        trusted_first(&mut judged, |(package, proof)| (0, package, proof.as_ref().ok().map(Vetted::trust)));
        for (package, proof) in judged {
            match proof {
                Ok(proof) => {
                    places.push(all.len());
                    all.push(self.admitted(&proof));
                    vetted.push(proof);
                }
                Err(error) => {
                    let signatures = inner.gate.judge(&identity(&package.clone().into()), policy, wall);
                    all.push(refused(package, signatures, error));
                }
            }
        }
        let there = inner.standing();
        let registry = &inner.registry;
        let planned =
            resolve(vetted, &|contract| registry.offers(contract).cloned(), there, &policy.resolve, &Wish::default());
        // One version of each plugin counts: that which is taken, or which came nearest.
        let taken = planned.plan.order.iter().map(|chosen| (&chosen.id, &chosen.version));
        let nearest = planned.refused.iter().map(|out| (&out.id, &out.version));
        let counts: BTreeMap<String, Version> =
            nearest.chain(taken).map(|(id, version)| (id.clone(), version.clone())).collect();
        for out in planned.refused {
            if let Some(place) = out.package.and_then(|package| places.get(package)) {
                all[*place].problems.insert(0, out.error);
            }
        }
        for place in &places {
            let one = &mut all[*place];
            let counted = counts.get(one.package.id().as_str());
            one.instead = counted.filter(|version| *version != one.package.version()).cloned();
        }
        let counted = counted(&all);
        for package in &planned.order {
            bereave(package.get(), &counted, &mut all);
            if let Some(own) = counted.get(package.get().id()) {
                self.approve(package, &mut all[*own]);
            }
        }
        all
    }

    /// What the host's own check says of a plugin that would be loaded but for that.
    fn approve(&self, plugin: &Vetted<Package>, own: &mut Examination) {
        if !own.problems.is_empty() {
            return;
        }
        if let Some(admission) = &own.admission {
            own.problems.extend(self.inner().approve(plugin, admission).err());
        }
    }

    /// What the policy gives a vetted plugin.
    fn admitted(&self, plugin: &Vetted<Package>) -> Examination {
        let policy = self.policy();
        let backends = &self.inner().backends;
        let package = plugin.get().clone();
        let granted = &policy.level(plugin.trust()).capabilities;
        let (admission, problem) = match policy::admit(plugin, policy, backends) {
            Ok(admission) => (Some(admission), None),
            Err(error) => (None, Some(error)),
        };
        let candidate = |artefact: &Artefact| {
            let taken = admission.as_ref().is_some_and(|admission| admission.artefact() == artefact);
            Candidate {
                artefact: artefact.clone(),
                bytes: package.files().get(&artefact.entry).map_or(0, |bytes| bytes.len()),
                admissibility: if taken { Admissibility::Taken } else { self.admissible(plugin, artefact) },
            }
        };
        let candidates = package.artefacts().iter().map(candidate).collect();
        let asked = |capability: &Capability, required| Asked {
            capability: capability.clone(),
            required,
            granted: granted.grants(capability),
        };
        let asks = match package.manifest().map(|manifest| &manifest.capabilities) {
            Some(asks) => {
                let required = asks.required.iter().map(|capability| asked(capability, true));
                required.chain(asks.optional.iter().map(|capability| asked(capability, false))).collect()
            }
            None => {
                let contracts = self.contracts();
                let functions = contracts.iter().flat_map(|contract| &contract.functions);
                let mut needed: Vec<&Capability> =
                    functions.filter_map(|function| function.capability.as_ref()).collect();
                needed.sort();
                needed.dedup();
                needed.into_iter().map(|capability| asked(capability, false)).filter(|one| one.granted).collect()
            }
        };
        Examination {
            trust: Some(plugin.trust()),
            vouched: plugin.vouched().to_owned(),
            signatures: Verdict::clone(plugin.verdict()),
            candidates,
            asks,
            admission,
            problems: problem.into_iter().collect(),
            instead: None,
            package,
        }
    }

    /// What the policy would say if `artefact` were the plugin's only build: asked by showing it the one backend only.
    fn admissible(&self, plugin: &Vetted<Package>, artefact: &Artefact) -> Admissibility {
        let policy = self.policy();
        let own: Vec<Arc<dyn Backend>> =
            self.inner().backends.iter().filter(|backend| backend.kind() == artefact.kind).cloned().collect();
        let Some(backend) = own.first() else {
            return Admissibility::Refused(vec!["this engine has no such backend".into()]);
        };
        let Err(error) = policy::admit(plugin, policy, &own) else { return Admissibility::Admissible };
        let mut lacks = backend.enforcement().lacks(&policy.level(plugin.trust()).needs);
        if error.code() != Code::DeniedBackend || lacks.is_empty() {
            return Admissibility::Refused(vec![error.message().into()]);
        }
        lacks.sort_by_key(|lack| !lack.starts_with("isolation"));
        Admissibility::Refused(lacks)
    }
}

/// A plugin that vetting refused.
fn refused(package: Package, signatures: Verdict, error: Error) -> Examination {
    let candidate = |artefact: &Artefact| Candidate {
        artefact: artefact.clone(),
        bytes: package.files().get(&artefact.entry).map_or(0, |bytes| bytes.len()),
        admissibility: Admissibility::Refused(vec![error.message().into()]),
    };
    let candidates = package.artefacts().iter().map(candidate).collect();
    Examination {
        package,
        trust: None,
        vouched: "nobody".into(),
        signatures,
        candidates,
        asks: Vec::new(),
        admission: None,
        problems: vec![error],
        instead: None,
    }
}

/// A dependency that resolved but would not be admitted takes its dependants along, as in loading.
fn bereave(package: &Package, counted: &BTreeMap<Id, usize>, all: &mut [Examination]) {
    let needs = package.manifest().into_iter().flat_map(|manifest| &manifest.dependencies);
    let lost = needs
        .filter(|need| !need.optional)
        .find(|need| counted.get(&need.id).is_some_and(|other| !all[*other].problems.is_empty()));
    let Some(lost) = lost else { return };
    let message = format!("needs {}, which would not be loaded", lost.id);
    let error = Error::new(Code::ResolveMissing, Stage::Resolve, message)
        .at_place(lost.at.clone())
        .of(package.id().to_string());
    if let Some(own) = counted.get(package.id()) {
        all[*own].problems.insert(0, error);
    }
}

/// Of several versions of each plugin the one that counts: its place.
fn counted(all: &[Examination]) -> BTreeMap<Id, usize> {
    let mut counted = BTreeMap::new();
    for (at, own) in all.iter().enumerate().filter(|(_, own)| own.instead.is_none()) {
        counted.entry(own.package.id().clone()).or_insert(at);
    }
    counted
}
