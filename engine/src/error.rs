//! [`Error`]: what an embedder sees. One pointer wide; a stable [`Code`], the stage, the plugin, the place and a remedy.

mod class;
mod code;

use std::{fmt, io, path::Path, time::Duration};

use modhost_backend::{Fault, FaultKind, Place};

pub use code::{Code, UnknownCode};

use crate::{
    package::nearest,
    shown::{ShowPath as _, Shown},
};

/// The result of anything that the engine does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where on its way a plugin was.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading files and the manifest.
    Open,
    /// Checking trust.
    Vet,
    /// Finding dependencies and the order.
    Resolve,
    /// Choosing the backend and the limits.
    Admit,
    /// Compiling and running the main chunk.
    Load,
    /// Running `on_enable`.
    Enable,
    /// Running `on_disable`.
    Disable,
    /// Running `on_unload`, and letting go of what is left.
    Unload,
    /// A call of an export.
    Call,
    /// Building or asking the engine itself.
    Engine,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Open => "open",
            Stage::Vet => "vet",
            Stage::Resolve => "resolve",
            Stage::Admit => "admit",
            Stage::Load => "load",
            Stage::Enable => "enable",
            Stage::Disable => "disable",
            Stage::Unload => "unload",
            Stage::Call => "call",
            Stage::Engine => "engine",
        })
    }
}

/// What a call that hit a limit had used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LimitHit {
    /// The limit, in the resource's unit (units of fuel, bytes, nanoseconds, levels).
    pub limit: u64,
    /// Fuel used by then.
    pub fuel: u64,
    /// Time since the call began, where it was measured.
    pub elapsed: Option<Duration>,
}

#[derive(Debug)]
struct Inner {
    code: Code,
    stage: Stage,
    message: String,
    plugin: Option<String>,
    at: Option<Place>,
    trace: Vec<String>,
    help: Option<Shown>,
    limit: Option<LimitHit>,
    fault: Option<Fault>,
}

/// What went wrong: [`Error::code`] to decide by, the rest to show.
///
/// ```
/// use modhost::{Code, Engine};
///
/// let engine = Engine::builder().build()?;
/// let error = engine.load_path("no/such.lua").unwrap_err();
/// assert_eq!(error.code(), Code::IoNotFound);
/// assert!(!error.is_limit());
/// # Ok::<(), modhost::Error>(())
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

impl Error {
    /// An error without a plugin or a place.
    #[must_use]
    pub fn new(code: Code, stage: Stage, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            stage,
            message: message.into(),
            plugin: None,
            at: None,
            trace: Vec::new(),
            help: None,
            limit: None,
            fault: None,
        }))
    }

    /// The error for a backend's fault.
    #[must_use]
    pub fn from_fault(stage: Stage, fault: Fault) -> Self {
        let code = fault.code().parse().unwrap_or(Code::InternalBug);
        let mut error = Error::new(code, stage, fault.message());
        error.0.at = fault.place().cloned();
        error.0.trace = fault.trace().to_vec();
        let help = match fault.kind() {
            FaultKind::Denied { capability, .. } => Some(format!(
                "add to plugin.toml under [capabilities]: required = [\"{capability}\"]; the player or the game must grant it too"
            )),
            FaultKind::MissingFile { .. } => Some(
                "A path begins at the plugin's folder, or with ./ or ../ at the importing file's; capitals count."
                    .into(),
            ),
            FaultKind::MissingExport { name, offered } => {
                nearest(name, offered.iter().map(String::as_str)).map(|near| format!("Did you mean `{near}`?"))
            }
            _ => None,
        };
        error.0.help = help.map(|help: String| Shown::new(&help));
        if let FaultKind::Limit { limit, .. } = fault.kind() {
            error.0.limit = Some(LimitHit { limit: *limit, fuel: 0, elapsed: None });
        }
        error.0.fault = Some(fault);
        error
    }

    /// The error for a failed system call on `path`.
    #[must_use]
    pub fn io(stage: Stage, path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Code::IoNotFound,
            _ => Code::IoFailed,
        };
        Error::new(code, stage, format!("{}: {error}", path.shown()))
    }

    /// The same error of this plugin, unless it names one already.
    #[must_use]
    pub fn of(mut self, plugin: impl Into<String>) -> Self {
        self.0.plugin.get_or_insert_with(|| plugin.into());
        self
    }

    /// The same error at this place, unless it has one already.
    #[must_use]
    pub fn at_place(mut self, place: Place) -> Self {
        self.0.at.get_or_insert(place);
        self
    }

    /// The same error with a remedy of its own in place of the catalogue's.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(Shown::new(&help.into()));
        self
    }

    /// The same error in other words.
    #[must_use]
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// The same error for a limit of this size.
    #[must_use]
    pub(crate) fn at_limit(mut self, limit: u64) -> Self {
        if let Some(hit) = &mut self.0.limit {
            hit.limit = limit;
        }
        self
    }

    /// Fills in what the call had used, where a limit was hit.
    #[must_use]
    pub(crate) fn used(mut self, fuel: u64, elapsed: Option<Duration>) -> Self {
        if let Some(hit) = &mut self.0.limit {
            (hit.fuel, hit.elapsed) = (fuel, elapsed);
        }
        self
    }

    /// The stable name of the cause.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Where on its way the plugin was.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The plugin's id.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        self.0.plugin.as_deref()
    }

    /// The place in the plugin's source or manifest.
    #[must_use]
    pub fn at(&self) -> Option<&Place> {
        self.0.at.as_ref()
    }

    /// What happened, without code, plugin and place. It may quote a guest: escape it before a person sees it, as the error's own
    /// `Display` does.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The plugin's call trace, innermost first, with names as the guest wrote them: see [`Error::message`].
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.0.trace
    }

    /// What to do about it: one line that may be shown as it is.
    #[must_use]
    pub fn help(&self) -> &str {
        self.0.help.as_deref().unwrap_or_else(|| self.0.code.remedy())
    }

    /// The limit that was hit, and what had been used by then.
    #[must_use]
    pub fn limit(&self) -> Option<LimitHit> {
        self.0.limit
    }

    /// The backend's fault behind it, where there is one.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }
}

/// One line, in which the texts of guests are escaped and shortened: it may be shown as it is.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(plugin) = self.plugin() {
            write!(f, "{}: ", Shown::most(plugin, 96))?;
        }
        if let Some(place) = self.at() {
            write!(f, "{}: ", Shown::most(&place.to_string(), 200))?;
        }
        write!(f, "{} [{}]", Shown::most(self.message(), 1000), self.code())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
