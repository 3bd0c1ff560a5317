//! [`Mods`]: what became of a folder of plugins, as data and as the table that people read.

use std::{fmt, path::PathBuf, sync::Arc};

use modhost_abi::Value;
use modhost_backend::Kind;
use semver::Version;

use crate::{
    call::{PluginId, Slot},
    error::Error,
    policy::TrustLevel,
    resolve::Plan,
    shown::Shown,
    verify::Verdict,
};

/// What became of an event, or of `on_enable`: the values of those that answered, and the errors of those that failed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Answers {
    /// By plugin, in load order: what its listener, or its `on_enable`, returned. Of events, the one that was emitted only.
    pub values: Vec<(PluginId, Value)>,
    /// The failures; one plugin's does not keep the others from being called. Those of every event of the round, and a
    /// `limit.queue` for each plugin that had no room for the event.
    pub failed: Vec<Error>,
    /// How many events plugins were handed, those counted that plugins published themselves meanwhile.
    pub delivered: usize,
    /// How many wait in the engine still: all of them where the emitting call runs inside another, else what is beyond the policy's
    /// `deliveries`, and what belongs to busy plugins and to running calls of other threads.
    pub left: usize,
}

/// What became of disabling or unloading: which plugins it took, and what failed on the way. None of it keeps a plugin where it was.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Stopped {
    /// The plugins, in the order in which it happened: those that depend on others come before them.
    pub plugins: Vec<(PluginId, String)>,
    /// Failures of `on_disable` and `on_unload`; `host.busy` where one did not run because a call of the plugin was running or suspended.
    pub failed: Vec<Error>,
    /// Plugins that are unloaded, of which a call had not returned; what they hold goes with that call.
    pub running: Vec<String>,
}

/// A plugin that was loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// Its handle.
    pub plugin: PluginId,
    /// Its id.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The backend that runs it.
    pub backend: Kind,
    /// How far it is trusted.
    pub trust: TrustLevel,
    /// Who vouches for it, in words.
    pub vouched: String,
    /// What was found out about its signatures.
    pub verdict: Arc<Verdict>,
    /// The capabilities it has.
    pub capabilities: Vec<String>,
    /// What it asked for and did not get, and what its author should know.
    pub notes: Vec<String>,
}

impl Loaded {
    pub(crate) fn of(slot: &Slot) -> Self {
        let about = &slot.about;
        Loaded {
            plugin: slot.id,
            name: about.name.clone(),
            version: about.version.clone(),
            backend: about.kind.clone(),
            trust: about.trust(),
            vouched: about.standing.vouched.clone(),
            verdict: about.standing.verdict.clone(),
            capabilities: slot.grants.open(),
            notes: about.notes.clone(),
        }
    }
}

/// A plugin that was not loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Its id, or its path where no id is known.
    pub name: String,
    /// Its version, where known.
    pub version: Option<Version>,
    /// Why.
    pub error: Error,
    /// The plugins for whose sake it was not: those that it needs and that were not loaded, or that were and stand against it. Empty
    /// where the reason is its own.
    pub sake: Vec<String>,
}

/// A plugin that was passed over, because the same version of it lies in a folder that comes first.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Shadowed {
    /// Its id.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where it lies.
    pub source: PathBuf,
    /// Where the one lies that comes first.
    pub by: PathBuf,
}

impl fmt::Display for Shadowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &PathBuf| Shown::path(path);
        let (source, by) = (shown(&self.source), shown(&self.by));
        let name = Shown::most(&self.name, 96);
        write!(f, "{name} {}  {source}: the same version lies at {by}, which comes first", self.version)
    }
}

/// What became of a folder of plugins. Its text is a table:
///
/// ```text
/// base-rules 1.4.0  lua     untrusted  unsigned -> sandbox    caps: world.spawn
/// refused    old-hud 0.1.0  resolve.contract: needs world ^0.9, this game offers 1.0.0    (modhost explain resolve.contract)
/// shadowed   wolf 1.0.0  workshop/wolf: the same version lies at mods/wolf, which comes first
/// disabled   moon
/// note       rain could use mud ^1, which is not there
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Mods {
    /// What was loaded, in load order.
    pub loaded: Vec<Loaded>,
    /// What was not, and why, by id.
    pub refused: Vec<Refused>,
    /// What was passed over for the same in another folder.
    pub shadowed: Vec<Shadowed>,
    /// What the profile holds switched off, by id.
    pub disabled: Vec<String>,
    /// The plan: what was to be loaded, in which order and why; what it leaves out; its warnings.
    pub plan: Plan,
    /// Why it is not remembered which versions were loaded ([`Builder::versions_seen`](crate::Builder::versions_seen)), where it should be.
    pub not_remembered: Option<Error>,
}

impl Mods {
    /// The handle of a loaded plugin.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PluginId> {
        self.loaded.iter().find(|loaded| loaded.name == name).map(|loaded| loaded.plugin)
    }
}

impl fmt::Display for Mods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let version = |loaded: &Loaded| loaded.version.to_string();
        let box_of = |loaded: &Loaded| {
            let place = if loaded.backend == Kind::NATIVE { "in process" } else { "sandbox" };
            format!("{} -> {place}", loaded.vouched)
        };
        let names = width(&mut self.loaded.iter().map(|loaded| loaded.name.len()));
        let versions = width(&mut self.loaded.iter().map(|loaded| version(loaded).len()));
        let boxes = width(&mut self.loaded.iter().map(|loaded| box_of(loaded).len()));
        let mut lines = Vec::new();
        for loaded in &self.loaded {
            let caps = if loaded.capabilities.is_empty() { "none".into() } else { loaded.capabilities.join(", ") };
            lines.push(format!(
                "{:names$} {:versions$}  {:6}  {:9}  {:boxes$}  caps: {caps}",
                loaded.name,
                version(loaded),
                loaded.backend,
                loaded.trust,
                box_of(loaded)
            ));
            lines.extend(
                loaded
                    .notes
                    .iter()
                    .chain(&loaded.verdict.warnings)
                    .map(|note| format!("{:names$} note: {}", "", Shown::most(note, 400))),
            );
        }
        for refused in &self.refused {
            let version = refused.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            let (code, error) = (refused.error.code(), &refused.error);
            let place = error.at().map(|place| format!("{place}: ")).unwrap_or_default();
            lines.push(format!(
                "{:names$} {}{version}  {code}: {}{}    (modhost explain {code})",
                "refused",
                Shown::most(&refused.name, 96),
                Shown::most(&place, 200),
                Shown::most(error.message(), 400)
            ));
        }
        lines.extend(self.shadowed.iter().map(|other| format!("{:names$} {other}", "shadowed")));
        lines.extend(self.disabled.iter().map(|id| format!("{:names$} {id}", "disabled")));
        lines.extend(self.plan.warnings.iter().map(|warning| format!("{:names$} {warning}", "note")));
        lines.extend(
            self.not_remembered
                .iter()
                .map(|error| format!("{:names$} not remembered for the next run: {error}", "note")),
        );
        // Each line once more as a whole: what it is made of is the hosts', too.
        let lines: Vec<Shown> = lines.iter().map(|line| Shown::new(line)).collect();
        f.write_str(&lines.iter().map(Shown::as_str).collect::<Vec<_>>().join("\n"))
    }
}
