//! [`Fault`]: what a backend may say went wrong. One [`FaultKind`] per cause; no backend crate's error type leaks.

use std::fmt;

use modhost_abi::TypeError;

use crate::Resource;

/// A place in a plugin's source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The path inside the plugin.
    pub file: String,
    /// From 1.
    pub line: Option<u32>,
    /// From 1, in characters; `None` where the language knows lines only.
    pub column: Option<u32>,
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Self {
        Place { file: file.into(), line: None, column: None }
    }

    /// A line of a file.
    #[must_use]
    pub fn line(file: impl Into<String>, line: u32) -> Self {
        Place { file: file.into(), line: Some(line), column: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        Ok(())
    }
}

/// Why a host function did not do what the guest asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HostFailure {
    /// It returned an error.
    Failed,
    /// It panicked; the panic was caught.
    Panicked,
    /// It needs the host's state, which is not lent (while loading, or within itself).
    NoState,
    /// The caller lent a state of another type.
    StateMismatch,
    /// A handle of another plugin, or of something that is gone.
    StaleHandle,
}

/// The cause of a [`Fault`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// A script does not compile.
    Compile {
        /// What the compiler said.
        message: String,
    },
    /// A wasm module does not validate or uses what is switched off.
    InvalidModule {
        /// What the validator said.
        message: String,
    },
    /// A plugin links a host function that is not there.
    MissingImport {
        /// Its dotted name.
        name: String,
    },
    /// The plugin has no such export.
    MissingExport {
        /// The name that was asked for.
        name: String,
        /// What it does export.
        offered: Vec<String>,
    },
    /// A file of a plugin imports one that the plugin does not have.
    MissingFile {
        /// What it asks for, in its own words.
        name: String,
        /// The paths that were looked at.
        tried: Vec<String>,
    },
    /// Files of a plugin import each other in a circle.
    ImportCycle {
        /// The files, in the order of importing, the first one again at the end.
        path: Vec<String>,
    },
    /// A wrong number of arguments.
    Arity {
        /// What is taken, `2` or `1 to 3`.
        expected: String,
        /// How many were given.
        found: usize,
    },
    /// A value is not of the type that was asked for.
    Type(TypeError),
    /// The guest raised an error (`error`, `throw`, a panic of an SDK guest).
    Raised {
        /// Its text, shortened.
        message: String,
        /// The instance cannot be used further (a panic).
        fatal: bool,
    },
    /// A wasm trap.
    Trap {
        /// What trapped.
        message: String,
    },
    /// A limit was hit.
    Limit {
        /// Which.
        resource: Resource,
        /// The limit, in the resource's unit.
        limit: u64,
    },
    /// The host ended the call.
    Interrupted,
    /// The plugin called a function whose capability it was not granted.
    Denied {
        /// The capability.
        capability: String,
        /// The function.
        function: String,
    },
    /// The instance is already running (re-entry, or another thread).
    Busy,
    /// A pending host function was called where the guest's call cannot be suspended.
    CannotSuspend {
        /// Its dotted name.
        function: String,
        /// What is in the way.
        why: &'static str,
    },
    /// A host function failed.
    Host {
        /// How.
        failure: HostFailure,
        /// Its dotted name.
        function: String,
        /// What it said.
        message: String,
    },
    /// A native plugin panicked or reported a state it cannot go on from.
    Crashed {
        /// What it said.
        message: String,
    },
    /// A wasm guest breaks the guest ABI.
    WasmAbi {
        /// How.
        message: String,
    },
    /// A native library's table is not of an ABI this host speaks.
    NativeAbi {
        /// How.
        message: String,
    },
    /// A native library is for another machine or system.
    NativeArch {
        /// What it is for, and what this is.
        message: String,
    },
    /// A native library is damaged.
    NativeCorrupt {
        /// How.
        message: String,
    },
    /// A native library lacks the entry symbol.
    NativeMissingSymbol {
        /// The symbol.
        symbol: String,
    },
    /// A native library uses symbols that neither it nor a library that it may have defines.
    NativeUndefinedSymbol {
        /// Their names.
        symbols: Vec<String>,
    },
    /// A native library needs libraries beyond the system's.
    NativeNeedsLibrary {
        /// Which.
        library: String,
    },
    /// The platform lacks a mechanism that this needs.
    IsolationUnavailable {
        /// What is lacking, where, and what needed it.
        message: String,
    },
    /// The file `path` could not be written or read by the backend (native libraries pass through a private copy).
    Io {
        /// What failed.
        message: String,
    },
    /// A backend did what it must never do; a bug of modhost, or of an embedder's own backend.
    Bug {
        /// What happened.
        message: String,
    },
}

#[derive(Clone, Debug)]
struct Inner {
    kind: FaultKind,
    at: Option<Place>,
    trace: Vec<String>,
}

/// What went wrong in a backend: a cause, the place in the guest's source where known, and the guest's call trace.
///
/// One pointer wide.
///
/// ```
/// use modhost_backend::{Fault, Place};
///
/// let fault = Fault::raised("no wolves left").at(Place::line("main.lua", 7));
/// assert_eq!(fault.code(), "script.raised");
/// assert_eq!(fault.to_string(), "main.lua:7: no wolves left");
/// ```
#[derive(Clone, Debug)]
pub struct Fault(Box<Inner>);

/// The longest text of a guest that a fault keeps, in characters.
const LONGEST: usize = 2000;

impl Fault {
    /// A fault without a place.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Fault(Box::new(Inner { kind, at: None, trace: Vec::new() }))
    }

    /// [`FaultKind::Compile`].
    #[must_use]
    pub fn compile(message: impl Into<String>) -> Self {
        Fault::new(FaultKind::Compile { message: shorten(message.into()) })
    }

    /// [`FaultKind::Raised`], not fatal; the message is shortened.
    #[must_use]
    pub fn raised(message: impl Into<String>) -> Self {
        Fault::new(FaultKind::Raised { message: shorten(message.into()), fatal: false })
    }

    /// [`FaultKind::Arity`].
    #[must_use]
    pub fn arity(expected: usize, found: usize) -> Self {
        Fault::new(FaultKind::Arity { expected: expected.to_string(), found })
    }

    /// [`FaultKind::CannotSuspend`].
    #[must_use]
    pub fn cannot_suspend(function: impl Into<String>, why: &'static str) -> Self {
        Fault::new(FaultKind::CannotSuspend { function: function.into(), why })
    }

    /// [`FaultKind::Bug`].
    #[must_use]
    pub fn bug(message: impl Into<String>) -> Self {
        Fault::new(FaultKind::Bug { message: shorten(message.into()) })
    }

    /// The same fault at `place`, unless it has one already: the innermost place holds.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.at.get_or_insert(place);
        self
    }

    /// The same fault with the guest's call trace, unless it has one already; at most 32 lines are kept.
    #[must_use]
    pub fn with_trace(mut self, trace: impl IntoIterator<Item = String>) -> Self {
        if self.0.trace.is_empty() {
            self.0.trace = trace.into_iter().take(32).map(shorten).collect();
        }
        self
    }

    /// The same fault at the place and with the trace of `other`, where it has none: a limit is judged by the meter, and
    /// where it struck is known to the error that it ended.
    #[must_use]
    pub fn placed_like(self, other: &Fault) -> Self {
        let placed = match other.place() {
            Some(place) => self.at(place.clone()),
            None => self,
        };
        placed.with_trace(other.trace().iter().cloned())
    }

    /// The cause.
    #[must_use]
    pub fn kind(&self) -> &FaultKind {
        &self.0.kind
    }

    /// Where in the guest's source.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.at.as_ref()
    }

    /// The guest's call trace, innermost first.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.0.trace
    }

    /// The stable dotted code, one per cause.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind() {
            FaultKind::Compile { .. } => "script.compile",
            FaultKind::InvalidModule { .. } => "wasm.invalid",
            FaultKind::MissingImport { .. } | FaultKind::MissingFile { .. } => "script.missing-import",
            FaultKind::MissingExport { .. } => "script.missing-export",
            FaultKind::ImportCycle { .. } => "script.import-cycle",
            FaultKind::Arity { .. } => "script.arity",
            FaultKind::Type(_) => "script.type",
            FaultKind::Raised { .. } => "script.raised",
            FaultKind::Trap { .. } => "wasm.trap",
            FaultKind::Limit { resource, .. } => resource.code(),
            FaultKind::Interrupted => "call.interrupted",
            FaultKind::Denied { .. } => "denied.capability",
            FaultKind::Busy => "host.busy",
            FaultKind::CannotSuspend { .. } => "host.cannot-suspend",
            FaultKind::Host { failure, .. } => match failure {
                HostFailure::Failed => "host.failed",
                HostFailure::Panicked => "host.panicked",
                HostFailure::NoState => "host.no-state",
                HostFailure::StateMismatch => "host.state-mismatch",
                HostFailure::StaleHandle => "host.stale-handle",
            },
            FaultKind::Crashed { .. } => "native.crashed",
            FaultKind::WasmAbi { .. } => "wasm.abi",
            FaultKind::NativeAbi { .. } => "native.abi",
            FaultKind::NativeArch { .. } => "native.arch",
            FaultKind::NativeCorrupt { .. } => "native.corrupt",
            FaultKind::NativeMissingSymbol { .. } => "native.missing-symbol",
            FaultKind::NativeUndefinedSymbol { .. } => "native.undefined-symbol",
            FaultKind::NativeNeedsLibrary { .. } => "native.needs-library",
            FaultKind::IsolationUnavailable { .. } => "native.isolation-unavailable",
            FaultKind::Io { .. } => "io.failed",
            FaultKind::Bug { .. } => "internal.bug",
        }
    }

    /// Whether the instance must never be entered again.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.kind(),
            FaultKind::Raised { fatal: true, .. }
                | FaultKind::Trap { .. }
                | FaultKind::Crashed { .. }
                | FaultKind::WasmAbi { .. }
                | FaultKind::NativeAbi { .. }
                | FaultKind::Interrupted
                | FaultKind::Bug { .. }
        )
    }

    /// What happened, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match self.kind() {
            FaultKind::Compile { message }
            | FaultKind::InvalidModule { message }
            | FaultKind::Raised { message, .. }
            | FaultKind::Trap { message }
            | FaultKind::Crashed { message }
            | FaultKind::WasmAbi { message }
            | FaultKind::NativeAbi { message }
            | FaultKind::NativeArch { message }
            | FaultKind::NativeCorrupt { message }
            | FaultKind::IsolationUnavailable { message }
            | FaultKind::Io { message }
            | FaultKind::Bug { message } => message.clone(),
            FaultKind::MissingImport { name } => format!("the host offers no `{name}` to this plugin"),
            FaultKind::MissingFile { name, tried } if tried.is_empty() => {
                format!("the plugin cannot have a file `{}`", name.escape_debug())
            }
            FaultKind::MissingFile { name, tried } => {
                let tried: Vec<_> = tried.iter().map(|path| format!("`{}`", path.escape_debug())).collect();
                format!("the plugin has no file for `{}`: there is no {}", name.escape_debug(), tried.join(" and no "))
            }
            FaultKind::MissingExport { name, offered } if offered.is_empty() => {
                format!("there is no export `{name}`; the plugin exports nothing")
            }
            FaultKind::MissingExport { name, offered } => {
                let some: Vec<_> = offered.iter().take(12).map(String::as_str).collect();
                let more = if offered.len() > 12 { ", ..." } else { "" };
                format!("there is no export `{name}`; the plugin exports {}{more}", some.join(", "))
            }
            FaultKind::ImportCycle { path } => format!("files import each other in a circle: {}", path.join(" -> ")),
            FaultKind::Arity { expected, found } => format!("expected {expected} argument(s), found {found}"),
            FaultKind::Type(error) => error.to_string(),
            FaultKind::Limit { resource, limit } => match resource {
                Resource::Fuel => format!("the call used up its {limit} units of fuel"),
                Resource::Memory => format!("the plugin needs more than its {limit} bytes of memory"),
                Resource::Deadline => {
                    format!("the call ran longer than its deadline of {:?}", std::time::Duration::from_nanos(*limit))
                }
                Resource::Depth => format!("calls are nested deeper than {limit} levels"),
                Resource::Value => format!("a value that crosses exceeds its limit of {limit}"),
                Resource::Output => format!("the call printed more than its {limit} bytes"),
                Resource::Instances => format!("the engine holds as many plugins as it may: {limit}"),
                Resource::Group => format!("the plugins of its group may have {limit} together, and it is used up"),
                Resource::Queue => format!("{limit} events wait for a plugin already, and more may not"),
            },
            FaultKind::Interrupted => "the host ended the call".into(),
            FaultKind::Denied { capability, function } => format!("`{function}` needs the capability `{capability}`"),
            FaultKind::Busy => "the plugin is already running a call".into(),
            FaultKind::CannotSuspend { function, why } => {
                format!("`{function}` answers later, and the call cannot be suspended: {why}")
            }
            FaultKind::Host { function, message, .. } => format!("`{function}`: {message}"),
            FaultKind::NativeMissingSymbol { symbol } => format!("the library does not export `{symbol}`"),
            FaultKind::NativeUndefinedSymbol { symbols } => {
                let some = symbols.iter().take(8).map(|name| format!("`{}`", shorten(name.clone()).escape_debug()));
                let (some, more) = (some.collect::<Vec<_>>().join(", "), symbols.len().saturating_sub(8));
                let more = if more > 0 { format!(" and {more} more symbols") } else { String::new() };
                format!("the library uses {some}{more}, which neither it nor a library that it needs defines")
            }
            FaultKind::NativeNeedsLibrary { library } => {
                format!("the library needs `{library}`, which is not among the system libraries that are allowed")
            }
        }
    }
}

fn shorten(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message())
    }
}

impl std::error::Error for Fault {}
