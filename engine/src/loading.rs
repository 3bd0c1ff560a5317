//! [`Loading`]: says which plugins are to be loaded, and how; and the ways of [`Engine`] to load that need no more than a line.
//!
//! The steps that follow, [`Discovered`] and [`Resolved`], are in steps.rs.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::shown::ShowPath as _;
use crate::{
    audit::Event,
    call::PluginId,
    engine::Engine,
    error::{Code, Error, Result, Stage},
    package::{Opened, Package},
    report::Mods,
    resolve::{Lockfile, Mode, Profile, Wish},
    spans::stage_span,
    steps::Discovered,
};

/// How far a [`Loading`] is.
///
/// Each stage begins with none done, and no plugin named; then each plugin is told once. The stages come one after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LoadProgress<'a> {
    /// [`Stage::Open`], [`Stage::Vet`], [`Stage::Resolve`] or [`Stage::Load`], in which plugins are admitted, too.
    pub stage: Stage,
    /// What is done now, whatever came of it: while files are read the name of the file or folder, then a plugin's id. Plugins that do
    /// not need each other are told as they are done. Empty at the stage's beginning, and for the plan, which is made at once.
    pub plugin: &'a str,
    /// How many of the stage are done.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// What the host said of a loading, as far as later steps need it.
pub(crate) struct Settings<'a> {
    pub(crate) wish: Wish,
    /// Whether the plan must be what the lockfile says.
    pub(crate) strict: bool,
    pub(crate) group: Option<String>,
    pub(crate) threads: Option<usize>,
    pub(crate) whole: bool,
    pub(crate) stop: Option<Box<dyn FnMut() -> bool + 'a>>,
    pub(crate) progress: Option<Box<Tell<'a>>>,
}

/// Who is told how far it is.
type Tell<'a> = dyn FnMut(&LoadProgress<'_>) + 'a;

impl Settings<'_> {
    /// Says how far it is.
    pub(crate) fn tell(&mut self, stage: Stage, plugin: &str, done: usize, total: usize) {
        if let Some(progress) = &mut self.progress {
            progress(&LoadProgress { stage, plugin, done, total });
        }
    }
}

/// Which plugins are to be loaded, and how: made by [`Engine::loading`], done by [`Loading::load`], or step by step:
///
/// ```text
/// Loading --discover--> Discovered --resolve--> Resolved --load--> Mods --Engine::enable-->
///           reads, vets               plans               admits, loads
/// ```
///
/// Each step takes the one before, so that none can be left out.
///
/// ```
/// use modhost::{Engine, Stage};
///
/// let (own, workshop) = (tempfile::tempdir()?, tempfile::tempdir()?);
/// std::fs::write(own.path().join("wolf.lua"), "function howl() return 'own' end")?;
/// std::fs::write(workshop.path().join("wolf.lua"), "function howl() return 'workshop' end")?;
/// std::fs::write(workshop.path().join("moon.lua"), "function rise() end")?;
///
/// let engine = Engine::builder().build()?;
/// let mut loaded = 0;
/// let mods = engine
///     .loading()
///     .dir(own.path())
///     .dir(workshop.path())
///     .progress(|progress| if progress.stage == Stage::Load { loaded = progress.done })
///     .load()?;
/// assert_eq!((mods.loaded.len(), loaded), (2, 2));
/// assert_eq!(mods.shadowed[0].name, "wolf");
/// engine.enable(&mut (), &mods)?;
/// assert_eq!(engine.call::<_, String>(&mut (), "wolf", "howl", ())?, "own");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is loaded before `load` is called"]
pub struct Loading<'a> {
    pub(crate) engine: Engine,
    pub(crate) dirs: Vec<PathBuf>,
    pub(crate) settings: Settings<'a>,
}

impl<'a> Loading<'a> {
    fn new(engine: &Engine) -> Self {
        let settings = Settings {
            wish: Wish::default(),
            strict: false,
            group: None,
            threads: engine.inner().threads,
            whole: engine.policy().resolve.mode == Mode::AllOrNothing,
            stop: None,
            progress: None,
        };
        Loading { engine: engine.clone(), dirs: Vec::new(), settings }
    }

    /// A folder of plugins, or one plugin. There may be several; without any it is those of
    /// [`Builder::mods_dir`](crate::Builder::mods_dir).
    ///
    /// They are resolved together. Where the same version of a plugin lies in two, that of the one which was named first is taken, and
    /// the other is among [`Mods::shadowed`]; of different versions the best is taken that goes together with the rest, wherever it
    /// lies. One of several folders may be empty.
    pub fn dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dirs.push(path.into());
        self
    }

    /// Prefers what a lockfile holds, where it goes together. In which the plan differs tells [`Lockfile::drift`] of [`Mods::plan`].
    pub fn prefer(mut self, lockfile: Lockfile) -> Self {
        (self.settings.wish.lock, self.settings.strict) = (Some(lockfile), false);
        self
    }

    /// Holds to a lockfile: where the plan is not what it says, nothing is loaded, and it is `resolve.locked`.
    pub fn hold_to(mut self, lockfile: Lockfile) -> Self {
        (self.settings.wish.lock, self.settings.strict) = (Some(lockfile), true);
        self
    }

    /// Loads nothing but what a profile of a [`ModSet`](crate::resolve::ModSet) holds, and of that what is switched on: the very versions
    /// and files. What it holds and is not there is refused with `resolve.locked`.
    pub fn profile(mut self, profile: &Profile) -> Self {
        self.settings.wish.profile = Some(profile.clone());
        self
    }

    /// Loads nothing but these plugins and what they need that is not loaded yet. Called again it adds to them.
    pub fn only<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.settings.wish.only.get_or_insert_default().extend(ids.into_iter().map(Into::into));
        self
    }

    /// Puts all plugins into a group. They are loaded one after the other then: what one uses of what they have together, the next does
    /// not have.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.settings.group = Some(name.into());
        self
    }

    /// How many threads load plugins at a time; with 1 it is the thread that calls, and everything happens in load order. Without this it
    /// is what [`Builder::threads`](crate::Builder::threads) says.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Is asked on the thread that calls, before each plugin is loaded: once it says true, the plugins that are left are refused with
    /// `call.interrupted`. Those that load at that moment go on to their end, which their deadlines bound.
    pub fn stop_when(mut self, stop: impl FnMut() -> bool + 'a) -> Self {
        self.settings.stop = Some(Box::new(stop));
        self
    }

    /// Is told how far it is, on the thread that calls.
    pub fn progress(mut self, progress: impl FnMut(&LoadProgress<'_>) + 'a) -> Self {
        self.settings.progress = Some(Box::new(progress));
        self
    }

    /// Does all of it: what goes together is loaded, dependencies first, by the rules of [`resolve`](crate::resolve); what cannot be
    /// loaded is left out, and whatever needs it. The rest is not touched, unless the policy says all or nothing: then nothing of it
    /// stays loaded.
    ///
    /// Plugins that have nothing to do with each other are loaded by several threads. What comes of it is as with one, but for the order
    /// in which the host's functions, its observers and the audit hear of different plugins.
    ///
    /// # Errors
    /// Those of [`Loading::discover`] and of [`Discovered::resolve`]: what is wrong with one plugin is in [`Mods::refused`].
    pub fn load(self) -> Result<Mods> {
        Ok(self.discover()?.resolve()?.load())
    }
}

impl fmt::Debug for Loading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("dirs", &self.dirs).field("wish", &self.settings.wish).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts to say which plugins to load, and how. Nothing happens before [`Loading::load`].
    pub fn loading<'a>(&self) -> Loading<'a> {
        Loading::new(self)
    }

    /// Loads every plugin of a folder, dependencies first: the largest part that goes together, by the rules of
    /// [`resolve`](crate::resolve). What cannot be loaded is left out, and whatever needs it; the rest is not touched. Of several
    /// versions of a plugin one is loaded, and the others are not spoken of. For more than one folder, or to say more, see
    /// [`Engine::loading`].
    ///
    /// # Errors
    /// Only where the folder itself cannot be read, or holds no plugin.
    pub fn load_dir(&self, path: impl AsRef<Path>) -> Result<Mods> {
        self.loading().dir(path.as_ref()).load()
    }

    /// Loads a plugin of the folders that [`Builder::mods_dir`](crate::Builder::mods_dir) names, with what it needs that is not loaded
    /// yet. The folders are read anew each time. All or nothing: where it cannot be loaded nothing of what this call loaded stays.
    ///
    /// ```
    /// use modhost::Engine;
    ///
    /// let mods = tempfile::tempdir()?;
    /// for (id, needs) in [("wolf", "forest = '^1'"), ("forest", ""), ("moon", "")] {
    ///     std::fs::create_dir(mods.path().join(id))?;
    ///     let manifest = format!("[plugin]\nid = '{id}'\nversion = '1.0.0'\n[dependencies]\n{needs}");
    ///     std::fs::write(mods.path().join(id).join("plugin.toml"), manifest)?;
    ///     std::fs::write(mods.path().join(id).join("main.lua"), "")?;
    /// }
    /// let engine = Engine::builder().mods_dir(mods.path()).build()?;
    /// let loaded = engine.load("wolf")?;
    /// let names: Vec<_> = loaded.loaded.iter().map(|one| one.name.as_str()).collect();
    /// assert_eq!(names, ["forest", "wolf"]);
    /// engine.enable(&mut (), &loaded)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `plugin.not-found` where no folder holds it, `package.duplicate` where it is loaded already, and why it, or what it needs, cannot
    /// be loaded.
    pub fn load(&self, id: &str) -> Result<Mods> {
        let mut loading = self.loading().only([id]);
        loading.settings.whole = true;
        let mut mods = loading.load()?;
        if mods.find(id).is_some() {
            return Ok(mods);
        }
        // Why it is not there is told of it, or of what it needs; the first is what this is about.
        let own = mods.refused.iter().position(|refused| refused.name == id || refused.error.plugin() == Some(id));
        let refused = own.map(|own| mods.refused.swap_remove(own).error);
        Err(refused
            .unwrap_or_else(|| Error::new(Code::InternalBug, Stage::Load, "a plugin was neither loaded nor refused")))
    }

    /// Loads one plugin: a script, a module, a library or a folder with `plugin.toml`.
    ///
    /// # Errors
    /// Whatever reading, vetting, resolving, admitting or loading gives; nothing of the plugin is left then.
    pub fn load_path(&self, path: impl AsRef<Path>) -> Result<PluginId> {
        self.load_path_of(None, path.as_ref())
    }

    /// Loads a plugin from memory; the ending of `name` tells its language (`rules.lua`).
    ///
    /// # Errors
    /// As [`Engine::load_path`].
    pub fn load_source(&self, name: &str, source: impl AsRef<[u8]>) -> Result<PluginId> {
        self.load_source_of(None, name, source.as_ref())
    }

    pub(crate) fn load_path_of(&self, group: Option<&str>, path: &Path) -> Result<PluginId> {
        let source = path.shown().to_string();
        self.load_one(group, self.open(&source, || Package::read(path, &self.policy().caps))?)
    }

    pub(crate) fn load_source_of(&self, group: Option<&str>, name: &str, source: &[u8]) -> Result<PluginId> {
        self.load_one(group, self.open(name, || Package::take(name, source, &self.policy().caps))?)
    }

    fn open(&self, source: &str, open: impl FnOnce() -> Result<Opened>) -> Result<Opened> {
        self.inner().may_step()?;
        let opened = stage_span!("open", source).in_scope(open);
        opened.inspect_err(|error| self.inner().audit.error(Event::Refused, source, error))
    }

    fn load_one(&self, group: Option<&str>, package: Opened) -> Result<PluginId> {
        let mut loading = self.loading();
        loading.settings.group = group.map(str::to_owned);
        let mut mods = Discovered::alone(loading, package).resolve()?.load();
        match (mods.loaded.pop(), mods.refused.pop()) {
            (Some(loaded), _) => Ok(loaded.plugin),
            (None, Some(refused)) => Err(refused.error),
            (None, None) => Err(Error::new(Code::InternalBug, Stage::Load, "a plugin was neither loaded nor refused")),
        }
    }
}
