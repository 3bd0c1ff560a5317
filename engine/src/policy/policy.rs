//! [`Policy`]: plain data that says what each trust level is worth.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use modhost_backend::Kind;

use super::{Calibration, GroupBy, GroupLimits, Level, Overrides, TrustLevel, file, preset};
use crate::{
    audit::AuditPolicy,
    error::{Code, Error, Result, Stage},
    package::{Caps, nearest},
    resolve::Options,
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
    /// How many signatures by different keys of the trust store a plugin must carry. Above 0 an unsigned plugin is refused
    /// whatever [`Policy::unsigned`] says.
    pub signatures: u32,
    /// Whether a plugin must be signed by a key of the trust store: well signed by an unknown key is refused then, as unsigned is.
    pub require_trusted_signer: bool,
    /// How far ahead the end of a signature may be; with it, a signature without an end is refused. When a signature was made
    /// is its signer's word alone; when it ends is bound by it, so that this bounds how long a stolen key's signatures last.
    pub signature_max_age: Option<Duration>,
    /// The publishers whose plugins may be trusted, if a key signed that the trust store has pinned for them. The part of a
    /// plugin's id before the dot.
    pub vendors: BTreeSet<String>,
    /// Whether text formats (`.wat`) are parsed.
    pub source_formats: bool,
    /// Which backend is taken where several suffice, best first; others follow in their own order.
    pub prefer: Vec<Kind>,
    /// Which of a language's standard libraries its plugins have; all that the backend offers where a language is not
    /// named here. In Lua there are `bit32`, `buffer`, `coroutine`, `math`, `string`, `table`, `utf8`, `vector`; in Rhai
    /// `array`, `bits`, `blob`, `iterators`, `map`, `math`, `string`; what is beside them is the language itself.
    pub libraries: BTreeMap<Kind, BTreeSet<String>>,
    /// How many plugins the engine holds at a time; one that was killed counts until it is unloaded.
    pub instances: u32,
    /// Bytes that all plugins together may hold. Looked at when one is loaded and after each call in which one grew; the
    /// one that grew beyond it is ended.
    pub total_memory: u64,
    /// What groups of plugins may have together, by name.
    pub groups: BTreeMap<String, GroupLimits>,
    /// The same for each group that [`Policy::groups`] does not name; without it there are no others.
    pub other_groups: Option<GroupLimits>,
    /// Which group a plugin is put into that is loaded without naming one.
    pub group_by: GroupBy,
    /// How many events one round of deliveries hands to plugins, those counted that are published meanwhile. What is left waits
    /// for the next round.
    pub deliveries: u32,
    /// What happens while the audit cannot be kept: every preset lets nothing be loaded, enabled or granted then.
    /// [`Builder::audit_policy`](crate::Builder::audit_policy) goes above it.
    pub audit: AuditPolicy,
    /// Takes every plugin for at most this, or, where [`Policy::development`] is set, for exactly this.
    pub assume: Option<TrustLevel>,
    /// A developer's own machine: trust may be assumed, and unsigned native code runs. Said out loud when the engine is built, and at
    /// each load.
    pub development: bool,
    /// What fuel is worth in each language, for levels that say [`Level::work`]. `modhost bench --calibrate` measures it.
    pub calibration: Option<Calibration>,
    /// Limits over everything, up or down.
    pub overrides: Overrides,
    /// How much is read from disk.
    pub caps: Caps,
    /// What is done where not all plugins of a folder go together, and what an optional dependency that is not there means.
    pub resolve: Options,
}

impl Policy {
    /// The names that [`Policy::preset`] knows.
    pub const PRESETS: &[&str] = &["mods", "development", "testing", "standard", "enterprise", "strict", "airgapped"];

    /// The default: unsigned plugins are taken and run in a sandbox under 64 MiB, 10 M fuel and 1 s a call; nothing is
    /// granted; verified plugins get 256 MiB, 100 M fuel and 5 s, trusted ones may be native. All plugins together hold at
    /// most 4 GiB.
    #[must_use]
    pub fn mods() -> Self {
        preset::mods()
    }

    /// For a developer's own machine: no isolation demanded, so that unsigned native code runs, and what a plugin asks for
    /// is granted. See [`Policy::preset`] for the numbers, as for those that follow.
    #[must_use]
    pub fn development() -> Self {
        preset::DEVELOPMENT.policy()
    }

    /// For automated tests of plugins on a machine that is thrown away: as `development`, with less of everything.
    #[must_use]
    pub fn testing() -> Self {
        preset::TESTING.policy()
    }

    /// For an application whose plugins come signed from known publishers.
    #[must_use]
    pub fn standard() -> Self {
        preset::STANDARD.policy()
    }

    /// As `standard`, for plugins that work harder.
    #[must_use]
    pub fn enterprise() -> Self {
        preset::ENTERPRISE.policy()
    }

    /// For hosts that must not fall: two signatures, little of everything.
    #[must_use]
    pub fn strict() -> Self {
        preset::STRICT.policy()
    }

    /// For machines without a network: as `strict`, with more room.
    #[must_use]
    pub fn airgapped() -> Self {
        preset::AIRGAPPED.policy()
    }

    /// The preset called `name`: `mods`, the default, or a row of this table, which holds for plugins of every level.
    ///
    /// | preset | isolation | memory | processor | time per call | network | signatures |
    /// |---|---|---|---|---|---|---|
    /// | `development` | none | 4 GiB | 100 % | 600 s | yes | 0 |
    /// | `testing` | none | 2 GiB | 100 % | 120 s | yes | 0 |
    /// | `standard` | process | 512 MiB | 50 % | 30 s | no | 1 |
    /// | `enterprise` | process | 1 GiB | 80 % | 60 s | no | 1 |
    /// | `strict` | container | 128 MiB | 25 % | 10 s | no | 2 |
    /// | `airgapped` | container | 256 MiB | 50 % | 30 s | no | 2 |
    ///
    /// What of this is there today:
    /// * **Isolation**: the sandbox of scripts and WebAssembly satisfies `process` and `container`
    ///   ([`Isolation::satisfies`](crate::Isolation::satisfies)). Native plugins in a process of their own come with a later
    ///   release; until then these presets refuse them with [`Code::DeniedBackend`].
    /// * **Signatures**: of so many different keys of the trust store ([`Builder::trust_store`](crate::Builder::trust_store)); what
    ///   nobody signed is refused with [`Code::DeniedTrust`].
    /// * **Processor**: no backend holds a share of it. The share is in the fuel instead (20 M units for a second of a
    ///   whole processor), and each plugin's notes say that it is not held as such.
    /// * **Network**: plugins have none but what host functions give them, whatever the preset; "yes" is
    ///   [`Limits::connections`](crate::Limits::connections) above 0, for backends of a host's own.
    ///
    /// ```
    /// use modhost::{Code, Engine, Policy};
    ///
    /// let mut policy = Policy::preset("strict")?;
    /// let engine = Engine::builder().policy(policy.clone()).build()?;
    /// assert_eq!(engine.load_source("a.lua", "").unwrap_err().code(), Code::DeniedTrust);
    ///
    /// // The same box for plugins that nobody signed: derived by changing fields.
    /// (policy.signatures, policy.unsigned) = (0, true);
    /// let engine = Engine::builder().policy(policy).build()?;
    /// engine.load_source("a.lua", "")?;
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Code::PolicyUnknown`], which lists the names there are.
    pub fn preset(name: &str) -> Result<Self> {
        if name == "mods" {
            return Ok(Policy::mods());
        }
        preset::ROWS.iter().find(|preset| preset.name == name).map(|preset| preset.policy()).ok_or_else(|| {
            let near = nearest(name, Policy::PRESETS.iter().copied());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let message = format!("there is no policy `{}`{near}", name.escape_debug());
            let help = format!("The presets are {}.", Policy::PRESETS.join(", "));
            Error::new(Code::PolicyUnknown, Stage::Engine, message).with_help(help)
        })
    }

    /// Reads a policy file: TOML, as strict as a manifest. `file_name` is for the places in errors, and its stem is the
    /// policy's name unless the file gives one. Each key is optional; what is not said is as in `base`, which is `mods`
    /// unless the file names another preset.
    ///
    /// ```
    /// use std::time::Duration;
    /// use modhost::Policy;
    ///
    /// let policy = Policy::from_toml(
    ///     r#"
    ///     base = "mods"              # any preset
    ///     name = "arena"             # for messages
    ///     unsigned = true            # unsigned plugins are taken, as untrusted
    ///     signatures = 0             # how many a plugin must carry
    ///     require_trusted_signer = false   # well signed by an unknown key is not enough
    ///     signature_max_age = "365d" # signatures end, and no later than in so long
    ///     vendors = ["acme"]         # publishers that may be trusted
    ///     source_formats = false     # .wat
    ///     prefer = ["wasm", "lua"]   # of several builds
    ///     instances = 200            # plugins at a time
    ///     total_memory = "1GiB"      # of all of them
    ///     deliveries = 1000          # of events in one round
    ///     audit = "deny-privileged"  # what cannot be recorded does not happen; or continue
    ///
    ///     group_by = "publisher"     # or "nothing": which group a plugin is put into
    ///
    ///     [groups.acme]              # what the plugins of one group may have together
    ///     plugins = 10               # count also: queue
    ///     memory = "64MiB"           # size also: output, in a period
    ///     fuel = 5_000_000           # in a period
    ///     time = "4ms"               # in a period
    ///
    ///     [other_groups]             # of each group that is not named
    ///     plugins = 2
    ///
    ///     [untrusted]                # likewise [verified] and [trusted]
    ///     admitted = true
    ///     isolation = "sandbox"      # none, sandbox, process, container
    ///     backends = ["lua", "wasm"] # these only, of those that suffice
    ///     limits = "minimal"         # or standard, generous; the keys below change single ones
    ///     fuel = 2_000_000
    ///     memory = "32MiB"           # sizes also: output, source, module, storage, value_bytes
    ///     deadline = "5ms"
    ///     work = "2ms"               # of computing, in place of fuel: the same in all languages, see [calibration]
    ///     call_depth = 100           # counts also: reentry_depth, value_depth, queue, open_files, connections, threads
    ///     cpu_share = 50             # percent
    ///     capabilities = ["world.spawn"]   # or "requested": whatever a plugin asks for
    ///
    ///     [libraries]                # of a language's standard libraries, these only
    ///     lua = ["math", "string", "table"]
    ///     rhai = ["array", "map", "math"]
    ///
    ///     [calibration]              # units of fuel per millisecond, as `modhost bench --calibrate` prints them
    ///     lua = 50_000
    ///     rhai = 9_000
    ///     wasm = 400_000
    ///
    ///     [resolve]                  # of a folder whose plugins do not all go together
    ///     mode = "best-effort"       # or all-or-nothing
    ///     optionals = "allow"        # optional dependencies that are not there; or warn, require
    ///     choice = "best"            # or greedy, without a search
    ///     budget = 250_000           # steps of the search: a million take at most 2 s, and always the same work
    ///
    ///     [caps]                     # what is read from disk: file, total, folder, manifest; files, plugins, depth
    ///     total = "8MiB"
    ///     "#,
    ///     "arena.toml",
    /// )?;
    /// assert_eq!(policy.untrusted.limits.deadline, Duration::from_millis(5));
    ///
    /// let error = Policy::from_toml("[untrusted]\nfule = 7", "arena.toml").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "arena.toml:2:1: unknown key `fule` in [untrusted]; did you mean `fuel`? [policy.unknown-key]"
    /// );
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// Every `policy.*` but `policy.source-format`, with line and column.
    pub fn from_toml(text: &str, file_name: &str) -> Result<Self> {
        file::read(text, file_name)
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
