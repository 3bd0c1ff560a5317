//! [`Discovered`] and [`Resolved`]: the steps between a [`Loading`] and its [`Mods`]. Each is made by the one before it only.

use std::{cmp::Reverse, collections::HashMap, fmt, path::PathBuf};

use semver::{BuildMetadata, Version};

use crate::{
    audit::Event,
    batch::{Batch, Terms},
    call::{State, Transition},
    engine::Engine,
    error::{Code, Error, Result, Stage},
    loading::{LoadProgress, Loading, Settings},
    package::{Listing, Opened, Outline, Shelf, Shelved, nearest},
    policy::TrustLevel,
    report::{Loaded, Mods, Refused, Shadowed},
    resolve::{Plan, resolve, withheld_for},
    spans::stage_span,
    verify::{Vetted, vet},
};

/// What lies in the folders, read and vetted: made by [`Loading::discover`].
#[must_use = "nothing is loaded yet"]
pub struct Discovered<'a> {
    engine: Engine,
    settings: Settings<'a>,
    packages: Vec<Vetted<Shelved>>,
    mods: Mods,
}

/// What will be loaded, and in which order: made by [`Discovered::resolve`].
#[must_use = "nothing is loaded yet"]
pub struct Resolved<'a> {
    engine: Engine,
    settings: Settings<'a>,
    /// In load order.
    packages: Vec<Vetted<Shelved>>,
    mods: Mods,
}

/// A plugin, and the number of the folder in which it lies.
type Found = (usize, Opened);

impl<'a> Loading<'a> {
    /// Reads what lies in the folders and establishes how far each plugin is trusted.
    ///
    /// # Errors
    /// Where a folder cannot be read, where none of them holds a plugin, and where none was named.
    pub fn discover(self) -> Result<Discovered<'a>> {
        let Loading { engine, dirs, settings } = self;
        let mut discovered = Discovered { engine, settings, packages: Vec::new(), mods: Mods::default() };
        let dirs = if dirs.is_empty() { discovered.engine.inner().dirs.clone() } else { dirs };
        let found = discovered.read(&dirs)?;
        let found = discovered.not_loaded(found);
        let vetted = discovered.vet(found);
        discovered.packages = discovered.unshadowed(vetted);
        Ok(discovered)
    }
}

impl<'a> Discovered<'a> {
    /// One plugin that is loaded by itself.
    pub(crate) fn alone(loading: Loading<'a>, package: Opened) -> Self {
        let Loading { engine, settings, .. } = loading;
        let mut discovered = Discovered { engine, settings, packages: Vec::new(), mods: Mods::default() };
        let vetted = discovered.vet(vec![(0, package)]);
        discovered.packages = vetted.into_iter().map(|(_, package)| package).collect();
        discovered
    }

    fn read(&mut self, dirs: &[PathBuf]) -> Result<Vec<Found>> {
        let inner = self.engine.inner().clone();
        let caps = &inner.policy.caps;
        let mut shelf = Shelf::of(caps.total);
        let listings: Vec<Listing<'_>> = dirs.iter().map(|dir| Listing::of(dir, caps)).collect::<Result<_>>()?;
        let (mut done, total) = (0, listings.iter().map(Listing::len).sum());
        self.settings.tell(Stage::Open, "", done, total);
        let (mut found, mut empty) = (Vec::new(), None);
        for (number, (listing, dir)) in listings.into_iter().zip(dirs).enumerate() {
            let mut told = |name: &str| {
                done += 1;
                self.settings.tell(Stage::Open, name, done, total);
            };
            let read =
                stage_span!("open", dir.display().to_string()).in_scope(|| listing.read(caps, &mut shelf, &mut told));
            match read {
                Ok(packages) => found.extend(packages.into_iter().map(|package| (number, package))),
                Err(error) if error.code() == Code::PackageNotAPlugin && dir.is_dir() => {
                    empty.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() {
            let none = || Error::new(Code::IoNotFound, Stage::Open, "no folder of plugins was named");
            return Err(empty.unwrap_or_else(none));
        }
        let mut packages = Vec::new();
        for (number, package) in found {
            match package {
                Ok(package) => packages.push((number, package)),
                Err(error) => {
                    let name = error.plugin().unwrap_or("?").to_owned();
                    inner.audit.error(Event::Refused, &name, &error);
                    self.mods.refused.push(Refused { name, version: None, error, sake: Vec::new() });
                }
            }
        }
        Ok(packages)
    }

    /// Leaves away of several that are asked for what is loaded.
    fn not_loaded(&self, mut found: Vec<Found>) -> Vec<Found> {
        let inner = self.engine.inner();
        if let Some(only) = &self.settings.wish.only {
            found.retain(|(_, one)| {
                only.iter().any(|id| id == one.id().as_str()) || inner.slots().named(one.id().as_str()).is_none()
            });
        }
        found
    }

    fn vet(&mut self, found: Vec<Found>) -> Vec<(usize, Vetted<Shelved>)> {
        let inner = self.engine.inner().clone();
        let total = found.len();
        self.settings.tell(Stage::Vet, "", 0, total);
        let mut vetted = Vec::new();
        for (at, (number, package)) in found.into_iter().enumerate() {
            let (name, version) = (package.id().to_string(), package.version().clone());
            inner.chronicle.begins(&name, State::Discovered, Transition::Vet);
            match stage_span!("vet", &name, &version)
                .in_scope(|| vet(package, &inner.policy, &inner.gate, inner.wall()))
            {
                Ok(package) => {
                    inner.chronicle.on_the_way(&name, State::Discovered, Transition::Vet, package.vouched(), None);
                    vetted.push((number, package));
                }
                Err(error) => {
                    refuse(&self.engine, &mut self.mods, State::Discovered, (&name, version), error, Vec::new())
                }
            }
            self.settings.tell(Stage::Vet, &name, at + 1, total);
        }
        trusted_first(&mut vetted, |(number, one)| (*number, &**one.get(), Some(one.trust())));
        vetted
    }

    /// Leaves those away that lie in an earlier folder, too, in the same version: what is refused there takes nobody's place, and what the
    /// lockfile holds counts before the order of the folders.
    fn unshadowed(&mut self, vetted: Vec<(usize, Vetted<Shelved>)>) -> Vec<Vetted<Shelved>> {
        // What differs in build metadata only has no order, but the folders have.
        let key =
            |one: &Outline| (one.id().to_string(), Version { build: BuildMetadata::EMPTY, ..one.version().clone() });
        let mut first: HashMap<(String, Version), (usize, PathBuf)> = HashMap::new();
        if let Some(lock) = &self.settings.wish.lock {
            for (number, one) in vetted.iter().map(|(number, one)| (number, one.get())) {
                if lock.get(one.id().as_str()).is_some_and(|row| row.is(one.version(), &one.digest())) {
                    first.entry(key(one)).or_insert_with(|| (*number, one.source().to_owned()));
                }
            }
        }
        let mut packages = Vec::new();
        for (number, vetted) in vetted {
            let one = vetted.get();
            let (by, winner) = first.entry(key(one)).or_insert_with(|| (number, one.source().to_owned()));
            if *by == number {
                packages.push(vetted);
            } else {
                let (name, version, source) = (one.id().to_string(), one.version().clone(), one.source().to_owned());
                self.mods.shadowed.push(Shadowed { name, version, source, by: winner.clone() });
            }
        }
        packages
    }

    /// The plugins that may be loaded.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = &Outline> {
        self.packages.iter().map(|package| &**package.get())
    }

    /// Those that cannot be read, or are not trusted enough.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.mods.refused
    }

    /// Those that lie in an earlier folder, too, in the same version.
    #[must_use]
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.mods.shadowed
    }

    /// Finds out what goes together, in which versions and in which order.
    ///
    /// # Errors
    /// `resolve.locked` where the plan is not what the lockfile says ([`Loading::hold_to`]).
    pub fn resolve(self) -> Result<Resolved<'a>> {
        let Discovered { engine, mut settings, packages, mut mods } = self;
        let inner = engine.inner().clone();
        settings.tell(Stage::Resolve, "", 0, 1);
        // What cannot be read is there all the same: whoever needs it is told so.
        settings.wish.unfit =
            mods.refused.iter().map(|out| (out.name.clone(), format!("it is refused: {}", out.error.code()))).collect();
        let unknown: Vec<String> = {
            let known = |id: &String| {
                packages.iter().any(|package| package.get().id().as_str() == id)
                    || mods.refused.iter().any(|refused| refused.name == *id)
            };
            settings.wish.only.iter().flatten().filter(|id| !known(id)).cloned().collect()
        };
        let ids: Vec<String> = if unknown.is_empty() {
            Vec::new()
        } else {
            packages.iter().map(|package| package.get().id().to_string()).collect()
        };
        let planned = tracing::info_span!("resolve", plugins = packages.len()).in_scope(|| {
            let offers = |contract: &str| inner.registry.offers(contract).cloned();
            resolve(packages, &offers, inner.standing(), &inner.policy.resolve, &settings.wish)
        });
        mods.plan = planned.plan;
        if let Some(lock) = settings.wish.lock.as_ref().filter(|_| settings.strict) {
            lock.check(&mods.plan).map_err(|error| {
                let error = because(error, &mods.refused);
                inner.audit.error(Event::Refused, error.plugin().unwrap_or("?"), &error);
                error
            })?;
        }
        for id in unknown {
            let near = nearest(&id, ids.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let message = format!("there is no plugin `{}`{near}", id.escape_debug());
            let error = Error::new(Code::PluginNotFound, Stage::Resolve, message).of(&id);
            inner.audit.error(Event::Refused, &id, &error);
            mods.refused.push(Refused { name: id, version: None, error, sake: Vec::new() });
        }
        for out in planned.refused {
            refuse(&engine, &mut mods, State::Vetted, (&out.id, out.version), out.error, out.sake);
        }
        let mut packages = planned.order;
        if settings.whole
            && let Some(first) = first_that_counts(&mods, &settings)
        {
            let (name, code, message) = (first.name.clone(), first.error.code(), first.error.message().to_owned());
            for package in packages.drain(..) {
                let package = package.get();
                let error = withheld_for((&name, code, &message), package.id().as_str());
                let whose = (package.id().as_str(), package.version().clone());
                refuse(&engine, &mut mods, State::Vetted, whose, error, vec![name.clone()]);
            }
            mods.plan.withheld.append(&mut mods.plan.order);
        }
        if let Some(profile) = &settings.wish.profile {
            mods.disabled = profile.iter().filter(|(_, entry)| !entry.enabled).map(|(id, _)| id.to_owned()).collect();
        }
        mods.refused.sort_by(|a, b| a.name.cmp(&b.name));
        settings.tell(Stage::Resolve, "", 1, 1);
        Ok(Resolved { engine, settings, packages, mods })
    }
}

impl Resolved<'_> {
    /// What will be loaded, in which order and in which versions, and what is left out and why.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.mods.plan
    }

    /// All that will not be loaded, whatever the reason.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.mods.refused
    }

    /// Those that lie in an earlier folder, too, in the same version.
    #[must_use]
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.mods.shadowed
    }

    /// Loads the plan. What fails is among [`Mods::refused`]; if the policy says all or nothing, nothing stays loaded then. To be enabled
    /// they are given to [`Engine::enable`].
    pub fn load(self) -> Mods {
        let Resolved { engine, mut settings, packages, mut mods } = self;
        let total = packages.len();
        settings.tell(Stage::Load, "", 0, total);
        let Settings { group, threads, whole, stop, progress, .. } = &mut settings;
        let terms = Terms {
            group: group.as_deref(),
            threads: *threads,
            whole: *whole,
            stop: &mut || stop.as_mut().is_some_and(|stop| stop()),
            told: &mut |plugin, done| {
                if let Some(progress) = progress {
                    progress(&LoadProgress { stage: Stage::Load, plugin, done, total });
                }
            },
        };
        let outcomes = Batch::new(&engine, &mods.plan, &packages).run(terms);
        let loaded = packages.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        let loaded = loaded.map(|(package, _)| (package.get().id(), package.get().version(), &**package.verdict()));
        mods.not_remembered = engine.inner().remember(loaded);
        for (package, outcome) in packages.iter().zip(outcomes) {
            match outcome {
                Ok(slot) => mods.loaded.push(Loaded::of(&slot)),
                Err((error, sake)) => {
                    let (name, version) = (package.get().id().to_string(), package.get().version().clone());
                    mods.refused.push(Refused { name, version: Some(version), error, sake });
                }
            }
        }
        mods.refused.sort_by(|a, b| a.name.cmp(&b.name));
        mods
    }
}

/// `error` about a plugin that is not what a lockfile holds, with the reason where vetting refused that plugin.
fn because(error: Error, refused: &[Refused]) -> Error {
    let own = refused.iter().find(|refused| error.plugin() == Some(&*refused.name)).map(|refused| &refused.error);
    let Some(own) = own else { return error };
    let (message, help) = (format!("{} ({}: {})", error.message(), own.code(), own.message()), own.help().to_owned());
    error.saying(message).with_help(help)
}

/// The first that keeps all others from being loaded, if it is all or nothing.
fn first_that_counts<'m>(mods: &'m Mods, settings: &Settings<'_>) -> Option<&'m Refused> {
    let only = settings.wish.only.as_deref();
    // What nobody asked for may lie there as it likes.
    mods.refused.iter().find(|refused| only.is_none_or(|only| only.contains(&refused.name)))
}

fn refuse(
    engine: &Engine,
    mods: &mut Mods,
    from: State,
    (name, version): (&str, Version),
    error: Error,
    sake: Vec<String>,
) {
    engine.inner().turned_away(from, name, &error);
    engine.inner().audit.error(Event::Refused, (name, &version), &error);
    mods.refused.push(Refused { name: name.to_owned(), version: Some(version), error, sake });
}

impl fmt::Debug for Discovered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discovered({} plugins, {} refused)", self.packages.len(), self.mods.refused.len())
    }
}

impl fmt::Debug for Resolved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolved({} plugins, {} refused)", self.packages.len(), self.mods.refused.len())
    }
}

/// Of several in one folder that say they are the same version of one plugin, puts first what is trusted most, which is taken: else the name
/// of a file would decide, and whoever may add one would put his own in the place of a signed one. They stand side by side.
pub(crate) fn trusted_first<T>(all: &mut [T], of: impl Fn(&T) -> (usize, &Outline, Option<TrustLevel>)) {
    let whose = |one: &T| {
        let (folder, package, _) = of(one);
        (folder, package.id().clone(), package.version().clone())
    };
    for same in all.chunk_by_mut(|a, b| whose(a) == whose(b)) {
        same.sort_by_key(|one| Reverse(of(one).2));
    }
}
