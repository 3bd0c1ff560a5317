//! [`Handle`]: an opaque reference to an object of the host.

use core::{fmt, str::FromStr};

/// A reference to an object of the host. The host mints it for one plugin; to the plugin it is opaque.
///
/// Its text form is `kind:slot:generation`, as in `--json` output.
///
/// ```
/// use modhost_abi::Handle;
///
/// let handle = Handle { kind: 1, slot: 7, generation: 2 };
/// assert_eq!(handle.to_string(), "1:7:2");
/// assert_eq!("1:7:2".parse(), Ok(handle));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Handle {
    /// What sort of object it is; the host's own numbering.
    pub kind: u32,
    /// Which place in the host's table.
    pub slot: u32,
    /// Which tenant of that place: a later one makes older handles stale.
    pub generation: u32,
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.slot, self.generation)
    }
}

/// The text is not `kind:slot:generation`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseHandleError;

impl fmt::Display for ParseHandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handle is written kind:slot:generation, three numbers below 2^32")
    }
}

impl core::error::Error for ParseHandleError {}

impl FromStr for Handle {
    type Err = ParseHandleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':').map(|part| part.parse::<u32>().map_err(|_| ParseHandleError));
        let mut next = || parts.next().unwrap_or(Err(ParseHandleError));
        let handle = Handle { kind: next()?, slot: next()?, generation: next()? };
        if parts.next().is_some() { Err(ParseHandleError) } else { Ok(handle) }
    }
}
