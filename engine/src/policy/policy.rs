//! [`Policy`]: plain data that says what each trust level is worth.

use std::time::Duration;

use modhost_backend::{Enforcement, Guarantee, Isolation, Kind, Limits};

use super::{Capabilities, Level, Overrides, TrustLevel};
use crate::{
    error::{Code, Error, Result, Stage},
    package::Caps,
};

/// What each trust level is worth, as plain data: take a preset and change its fields.
///
/// ```
/// use std::time::Duration;
/// use modhost::{Engine, Policy};
///
/// let mut policy = Policy::mods();
/// policy.untrusted.limits.deadline = Duration::from_millis(5);
/// let engine = Engine::builder().policy(policy).build()?;
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// The preset's name, for messages.
    pub name: String,
    /// Unsigned plugins, and those signed by unknown keys.
    pub untrusted: Level,
    /// Plugins signed by keys of the trust store.
    pub verified: Level,
    /// Plugins of pinned vendors that the host opted in.
    pub trusted: Level,
    /// Whether unsigned plugins are taken (as untrusted) or refused.
    pub unsigned: bool,
    /// Whether text formats (`.wat`) are parsed.
    pub source_formats: bool,
    /// Which backend is taken where several suffice, best first; others follow in their own order.
    pub prefer: Vec<Kind>,
    /// Takes every plugin for at most this, or, where [`Policy::development`] is set, for exactly this.
    pub assume: Option<TrustLevel>,
    /// A developer's own machine: trust may be assumed, and unsigned native code runs. Said out loud at each load.
    pub development: bool,
    /// Limits over everything, up or down.
    pub overrides: Overrides,
    /// How much is read from disk.
    pub caps: Caps,
}

/// What an interpreter must hold before it runs code of strangers.
const SANDBOX: Enforcement = Enforcement {
    instructions: Guarantee::Approximate,
    memory: Guarantee::Approximate,
    interrupt: Guarantee::Approximate,
    call_depth: Guarantee::Approximate,
    values: Guarantee::Exact,
    output: Guarantee::Exact,
    open_files: Guarantee::Exact,
    connections: Guarantee::Exact,
    threads: Guarantee::Exact,
    storage: Guarantee::Exact,
    isolation: Isolation::Sandbox,
    ..Enforcement::NOTHING
};

impl Policy {
    /// The names that [`Policy::preset`] knows.
    pub const PRESETS: &[&str] = &["mods", "development"];

    /// The default: unsigned plugins are taken and run in a sandbox under 64 MiB, 10 M fuel and 1 s a call; nothing is
    /// granted; verified plugins get more room, trusted ones may be native.
    #[must_use]
    pub fn mods() -> Self {
        let sandbox = |limits| Level { admitted: true, needs: SANDBOX, limits, capabilities: Capabilities::none() };
        let mut larger = Limits::default();
        (larger.fuel, larger.memory, larger.deadline) = (100_000_000, 256 << 20, Duration::from_secs(5));
        Policy {
            name: "mods".into(),
            untrusted: sandbox(Limits::default()),
            verified: sandbox(larger.clone()),
            trusted: Level { needs: Enforcement::NOTHING, ..sandbox(larger) },
            unsigned: true,
            source_formats: true,
            prefer: vec![Kind::NATIVE, Kind::WASM, Kind::LUA, Kind::RHAI],
            assume: None,
            development: false,
            overrides: Overrides::default(),
            caps: Caps::default(),
        }
    }

    /// For a developer's own machine: no isolation demanded, so that unsigned native code runs; 4 GiB, 600 s and 10 G
    /// fuel a call; what a plugin asks for is granted.
    #[must_use]
    pub fn development() -> Self {
        let mut limits = Limits::default();
        (limits.fuel, limits.memory, limits.deadline) = (10_000_000_000, 4 << 30, Duration::from_secs(600));
        limits.output = 16 << 20;
        let level =
            Level { admitted: true, needs: Enforcement::NOTHING, limits, capabilities: Capabilities::Requested };
        Policy {
            name: "development".into(),
            untrusted: level.clone(),
            verified: level.clone(),
            trusted: level,
            development: true,
            ..Policy::mods()
        }
    }

    /// The preset called `name`.
    ///
    /// # Errors
    /// [`Code::PolicyUnknown`], which lists the names there are.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "mods" => Ok(Policy::mods()),
            "development" => Ok(Policy::development()),
            other => {
                let message = format!("there is no policy `{}`", other.escape_debug());
                let help = format!("the presets are {}", Policy::PRESETS.join(", "));
                Err(Error::new(Code::PolicyUnknown, Stage::Engine, message).with_help(help))
            }
        }
    }

    /// The box of `trust`.
    #[must_use]
    pub fn level(&self, trust: TrustLevel) -> &Level {
        match trust {
            TrustLevel::Untrusted => &self.untrusted,
            TrustLevel::Verified => &self.verified,
            TrustLevel::Trusted => &self.trusted,
        }
    }

    /// Grants `capability` to every plugin that asks for it.
    ///
    /// # Errors
    /// [`Code::ManifestName`] for a malformed name.
    pub fn grant(&mut self, capability: &str) -> Result<()> {
        let capability = modhost_abi::Capability::new(capability)
            .map_err(|error| Error::new(Code::ManifestName, Stage::Engine, error.to_string()))?;
        for level in [&mut self.untrusted, &mut self.verified, &mut self.trusted] {
            level.capabilities.add(capability.clone());
        }
        Ok(())
    }
}

impl Default for Policy {
    /// [`Policy::mods`].
    fn default() -> Self {
        Policy::mods()
    }
}
