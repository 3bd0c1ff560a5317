//! The form of a log's lines: [`seal`] makes one, [`Line::parse`] reads one and finds whether it is as it was made.
//!
//! ```text
//! {"seq":7,"wall":"2026-11-21T14:30:00.250Z","mono":61000250,"severity":"warning","event":"refused","plugin":"wolf",
//!  "version":"1.0.0","code":"script.compile","detail":"...","count":1,"prev":"<64 hex digits>","hash":"<64 hex digits>"}
//! ```
//!
//! (without the line break): `prev` is the `hash` of the line before, zeros in the first; `hash` is the SHA-256 of the line's own bytes
//! before `,"hash"`. A checkpoint has `,"key":"<64>","signature":"<128>"` between the two: ed25519 over [`CONTEXT`] and the line's bytes
//! before `,"signature"`, in which `prev` stands for all that was before. A `key-rotated` record is signed in the same way, by the key of
//! the checkpoints before it; its `detail` is the key of those after it.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Event, Record, Severity,
    chain::Flaw,
    format_time, hex,
    key::{LogKey, PublicKey},
    parse_time,
};

/// What a checkpoint's signature is over, before the line's bytes.
const CONTEXT: &[u8] = b"modhost audit checkpoint 1\0";
/// Longest line, in bytes, its end included: what a guest's texts are cut to is far below.
pub(super) const LONGEST: usize = 64 << 10;

/// What every line begins with.
pub(super) const BEGIN: &[u8] = b"{\"seq\":";

pub(super) type Hash = [u8; 32];

/// The hash before the first line.
pub(super) const NONE: Hash = [0; 32];

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    seq: u64,
    wall: Cow<'a, str>,
    mono: u64,
    severity: Severity,
    event: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    plugin: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    detail: Cow<'a, str>,
    count: u64,
    prev: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    hash: Cow<'a, str>,
}

/// The line of `record`, its end included, and its hash. With `key` it is signed.
pub(super) fn seal(
    record: &Record,
    seq: u64,
    prev: &Hash,
    key: Option<&LogKey>,
) -> Result<(Vec<u8>, Hash), serde_json::Error> {
    let text = Text {
        seq,
        wall: format_time(record.wall).into(),
        mono: u64::try_from(record.at.as_nanos()).unwrap_or(u64::MAX),
        severity: record.severity,
        event: record.event.as_str().into(),
        plugin: record.plugin.as_str().into(),
        version: record.version.as_deref().map(Cow::from),
        code: record.code.map(|code| code.as_str().into()),
        detail: record.detail.as_str().into(),
        count: record.count,
        prev: hex::of(prev).into(),
        key: key.map(|key| key.public().to_string().into()),
        signature: None,
        hash: "".into(),
    };
    let mut line = serde_json::to_vec(&text)?;
    // The closing brace comes again at the end.
    line.pop();
    if let Some(key) = key {
        let signature = key.sign(&[CONTEXT, &line].concat());
        line.extend_from_slice(format!(r#","signature":"{}""#, hex::of(&signature)).as_bytes());
    }
    let hash: Hash = Sha256::digest(&line).into();
    line.extend_from_slice(format!(r#","hash":"{}"}}"#, hex::of(&hash)).as_bytes());
    line.push(b'\n');
    Ok((line, hash))
}

/// A record of a log, as a file holds it. Event and code are texts here, because a log may be of another release.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Counts the lines of a log from 0 without gaps, over all of its files.
    pub sequence: u64,
    /// The date, as its writer's clock had it, in milliseconds.
    pub wall: std::time::SystemTime,
    /// The writer's clock; it begins anew with every start.
    pub at: Duration,
    /// Who should look.
    pub severity: Severity,
    /// What happened: see [`Event`].
    pub event: String,
    /// Whose it is; empty where it is nobody's.
    pub plugin: String,
    /// The plugin's version, where it was known.
    pub version: Option<String>,
    /// The code, for what failed: see [`Code`](crate::Code).
    pub code: Option<String>,
    /// One line about it.
    pub detail: String,
    /// How many identical records this one stands for, beside those that were told before.
    pub count: u64,
}

/// One line, which is whole in itself.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
    /// For a checkpoint and for a change of the key, whose signature is good.
    pub(super) key: Option<PublicKey>,
    /// For a change of the key, the key that follows.
    pub(super) next: Option<PublicKey>,
}

/// What stands after a line's signature: `"`, the hash and the end.
const AFTER: usize = r#"","hash":""#.len() + 64 + r#""}"#.len();

/// Whether a line, which may be none, is signed by its form: no text of a record can look so, since its quotes are escaped.
pub(super) fn is_signed(line: &[u8]) -> bool {
    let begin = br#","signature":""#;
    line.len().checked_sub(AFTER + 128 + begin.len()).is_some_and(|at| line[at..].starts_with(begin))
}

/// Which key signs what follows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signer(pub(super) Option<PublicKey>);

impl Signer {
    /// Goes on over `line`.
    ///
    /// # Errors
    /// [`Flaw::Key`] where another key signed it than the one that the signed records before it name.
    pub(super) fn over(&mut self, line: &Line) -> Result<(), Flaw> {
        let Some(key) = line.key else { return Ok(()) };
        match self.0 {
            Some(expected) if expected != key => Err(Flaw::Key(Box::new(key))),
            _ => {
                self.0 = Some(line.next.unwrap_or(key));
                Ok(())
            }
        }
    }
}

impl Line {
    /// Reads a line without its end.
    pub(super) fn parse(line: &[u8]) -> Result<Line, Flaw> {
        let text = str::from_utf8(line).map_err(|_| Flaw::Form)?;
        let content = text.strip_suffix("\"}").and_then(|text| text.get(..text.len().checked_sub(64)?));
        let content = content.and_then(|text| text.strip_suffix(r#","hash":""#)).ok_or(Flaw::Form)?;
        let read: Text<'_> = serde_json::from_str(text).map_err(|_| Flaw::Form)?;
        // No log gets that far, and whoever wrote it down wants the next number to be none.
        if i64::try_from(read.seq).is_err() {
            return Err(Flaw::Form);
        }
        let hash: Hash = hex::bytes(&read.hash).ok_or(Flaw::Form)?;
        if <[u8; 32]>::from(Sha256::digest(content)) != hash {
            return Err(Flaw::Changed);
        }
        let rotated = read.event == Event::KeyRotated.as_str();
        let signs = rotated || read.event == Event::Checkpoint.as_str();
        let key = match (&read.key, &read.signature) {
            (None, None) if !signs => None,
            (Some(key), Some(signature)) if signs => {
                let signed = content.strip_suffix(&format!(r#","signature":"{signature}""#)).ok_or(Flaw::Form)?;
                let key: PublicKey = key.parse().map_err(|_| Flaw::Signature)?;
                let signature = hex::bytes(signature).ok_or(Flaw::Signature)?;
                if !key.signed(&[CONTEXT, signed.as_bytes()].concat(), &signature) {
                    return Err(Flaw::Signature);
                }
                Some(key)
            }
            _ => return Err(Flaw::Form),
        };
        let next = if rotated { Some(read.detail.parse().map_err(|_| Flaw::Form)?) } else { None };
        Ok(Line {
            next,
            prev: hex::bytes(&read.prev).ok_or(Flaw::Form)?,
            hash,
            key,
            entry: Entry {
                sequence: read.seq,
                wall: parse_time(&read.wall).ok_or(Flaw::Form)?,
                at: Duration::from_nanos(read.mono),
                severity: read.severity,
                event: read.event.into_owned(),
                plugin: read.plugin.into_owned(),
                version: read.version.map(Cow::into_owned),
                code: read.code.map(Cow::into_owned),
                detail: read.detail.into_owned(),
                count: read.count,
            },
        })
    }
}
