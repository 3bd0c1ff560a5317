//! The shapes of `--json`, key by key in their stable order, and how they become text.

use std::{fmt::Write, time::Duration};

use super::about::raw;
use modhost::{Error, Loaded, Place, Refused, Shadowed};
use serde::Serialize;
use serde_json::Value as Json;

/// `{"ok":false,"error":{...}}`.
#[derive(Serialize)]
pub(crate) struct Failure<'a> {
    pub(crate) ok: bool,
    pub(crate) error: ErrorBody<'a>,
    /// Only where several plugins were to be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<Vec<Plugin<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Vec<RefusedBody<'a>>>,
}

/// An error; what is not known of it is null.
#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    code: &'static str,
    stage: String,
    plugin: Option<&'a str>,
    message: &'a str,
    at: Option<At<'a>>,
    trace: &'a [String],
    help: &'a str,
}

/// A place.
#[derive(Serialize)]
pub(crate) struct At<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
}

/// One plugin's run.
#[derive(Serialize)]
pub(crate) struct Single<'a> {
    pub(crate) ok: bool,
    pub(crate) plugin: &'a str,
    pub(crate) version: String,
    pub(crate) backend: &'a str,
    pub(crate) trust: String,
    pub(crate) vouched: &'a str,
    pub(crate) value: Json,
    pub(crate) usage: Usage,
}

/// The run of several plugins.
#[derive(Serialize)]
pub(crate) struct Several<'a> {
    pub(crate) ok: bool,
    pub(crate) plugins: Vec<Plugin<'a>>,
    pub(crate) refused: Vec<RefusedBody<'a>>,
    /// Left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shadowed: Vec<ShadowedBody<'a>>,
    /// The plugins whose `on_enable` failed; left out where none did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed: Vec<ErrorBody<'a>>,
    pub(crate) value: Json,
    /// Only where something was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
}

/// What a call used; with nothing called, what loading used.
#[derive(Serialize)]
pub(crate) struct Usage {
    /// Units of fuel.
    pub(crate) fuel: u64,
    /// Bytes held afterwards; null where the backend does not know.
    pub(crate) memory: Option<usize>,
    /// Microseconds.
    pub(crate) wall_us: u64,
}

/// A plugin that was loaded.
#[derive(Serialize)]
pub(crate) struct Plugin<'a> {
    plugin: &'a str,
    version: String,
    backend: &'a str,
    trust: String,
    vouched: &'a str,
    capabilities: &'a [String],
    notes: &'a [String],
}

/// A plugin that was not.
#[derive(Serialize)]
pub(crate) struct RefusedBody<'a> {
    plugin: &'a str,
    version: Option<String>,
    error: ErrorBody<'a>,
}

/// A plugin that was passed over for the same version at another path.
#[derive(Serialize)]
pub(crate) struct ShadowedBody<'a> {
    plugin: &'a str,
    version: String,
    path: String,
    by: String,
}

impl<'a> From<&'a Shadowed> for ShadowedBody<'a> {
    fn from(shadowed: &'a Shadowed) -> Self {
        ShadowedBody {
            plugin: &shadowed.name,
            version: shadowed.version.to_string(),
            path: raw(&shadowed.source),
            by: raw(&shadowed.by),
        }
    }
}

impl<'a> From<&'a Place> for At<'a> {
    fn from(Place { file, line, column }: &'a Place) -> Self {
        At { file, line: *line, column: *column }
    }
}

impl<'a> From<&'a Error> for ErrorBody<'a> {
    fn from(error: &'a Error) -> Self {
        ErrorBody {
            code: error.code().as_str(),
            stage: error.stage().to_string(),
            plugin: error.plugin(),
            message: error.message(),
            at: error.at().map(Into::into),
            trace: error.trace(),
            help: error.help(),
        }
    }
}

impl<'a> From<&'a Loaded> for Plugin<'a> {
    fn from(loaded: &'a Loaded) -> Self {
        Plugin {
            plugin: &loaded.name,
            version: loaded.version.to_string(),
            backend: loaded.backend.as_str(),
            trust: loaded.trust.to_string(),
            vouched: &loaded.vouched,
            capabilities: &loaded.capabilities,
            notes: &loaded.notes,
        }
    }
}

impl<'a> From<&'a Refused> for RefusedBody<'a> {
    fn from(refused: &'a Refused) -> Self {
        RefusedBody {
            plugin: &refused.name,
            version: refused.version.as_ref().map(ToString::to_string),
            error: (&refused.error).into(),
        }
    }
}

impl Usage {
    /// What was measured.
    pub(crate) fn new(fuel: u64, memory: Option<usize>, wall: Duration) -> Self {
        Usage { fuel, memory, wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX) }
    }
}

/// The object of one error.
pub(crate) fn failure_text(error: &Error) -> String {
    let failure = Failure { ok: false, error: error.into(), plugins: None, refused: None };
    // Texts, numbers and nulls always serialise.
    text(&failure).unwrap_or_default()
}

/// `object` as one line. What a terminal could act on is escaped, which reads back as the same text.
pub(crate) fn text(object: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(object)?;
    let mut safe = String::with_capacity(plain.len());
    for c in plain.chars() {
        // JSON escapes U+0000 to U+001F by itself; anything else that is escaped here can stand only inside a string.
        if is_driving(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// Whether a terminal could act on `c`: what the engine's own escaping changes.
fn is_driving(c: char) -> bool {
    let mut bytes = [0; 4];
    let one = &*c.encode_utf8(&mut bytes);
    *modhost::Shown::new(one) != *one
}
