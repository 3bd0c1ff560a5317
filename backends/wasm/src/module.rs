//! The bytes of a module before the engine compiles them: counts are capped, the start function becomes an export and
//! the custom section is found. It judges no types and no code; whatever else is wrong with a module, wasmi says.
//!
//! wasmi offers fixed caps that refuse small hand-written modules (an average length per function), and runs a start
//! function in one go, without slices. Both are settled here, where counts and sections can be read in a few lines.

use std::borrow::Cow;

use modhost_backend::{Fault, FaultKind};

use crate::{
    cost::{Cost, Types},
    limits::ELEMENT,
};

/// The export that a module's start function becomes. A module that has an export of this name already exports it
/// twice and is invalid.
pub(crate) const START: &str = "\u{1}modhost start";

const MAGIC: &[u8] = b"\0asm";
const CORE: &[u8] = &[1, 0, 0, 0];
/// Parameters of one function type.
const MOST_PARAMS: u32 = 32;
/// Results of one function type: a block has a function type, and compiling each of its branches costs time for each
/// result. At 32, four megabytes of such branches took a second.
const MOST_RESULTS: u32 = 8;
/// Bytes of one function: what the compiler remembers of nested blocks is 60 times their length.
const LONGEST_BODY: usize = 512 << 10;
/// Locals of one function beside its parameters: each call clears them, whatever its fuel.
const MOST_LOCALS: u64 = 1000;
/// Bytes of a page of memory.
const PAGE: u64 = 65_536;
/// Bytes of custom sections named `modhost`, together.
const MOST_LISTING: usize = 64 << 10;

/// A module that is fit to be compiled.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    /// What to compile: the same bytes, or a copy in which [`START`] stands for the start function.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// What compiling it takes at worst.
    pub(crate) cost: Cost,
    /// Bytes of memories and tables that it begins with.
    pub(crate) initial: u64,
    /// Whether [`START`] is to be called.
    pub(crate) starts: bool,
    /// The content of the custom sections named `modhost`, one after another; `None` without any.
    pub(crate) listing: Option<Vec<u8>>,
}

/// [`FaultKind::InvalidModule`].
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::InvalidModule { message: message.into() })
}

/// The most entries that the section `id` may have, and what they are called.
fn cap(id: u8) -> Option<(u32, &'static str)> {
    Some(match id {
        1 => (10_000, "types"),
        2 => (1_000, "imports"),
        3 | 10 => (10_000, "functions"),
        4 => (100, "tables"),
        5 => (1, "memories"),
        6 => (1_000, "globals"),
        7 => (10_000, "exports"),
        9 => (1_000, "element segments"),
        11 => (1_000, "data segments"),
        _ => return None,
    })
}

/// Looks through `bytes`, and asks `afford` again and again whether what was counted so far may be compiled: counting takes
/// time, too.
///
/// # Errors
/// [`FaultKind::InvalidModule`] for text, components, a section that ends too early and counts beyond their caps; and what
/// `afford` says.
pub(crate) fn prepare(bytes: &[u8], afford: impl Fn(&Cost) -> Result<(), Fault>) -> Result<Prepared<'_>, Fault> {
    let Some(version) = bytes.strip_prefix(MAGIC).and_then(|rest| rest.get(..4)) else {
        return Err(invalid("this is not a binary module; a module in text form is assembled when a plugin is opened"));
    };
    if version != CORE {
        return Err(invalid("this is a component or of another version; only core modules of version 1 are taken"));
    }
    let mut reader = Reader { all: bytes, at: 8 };
    let mut exports = None;
    let mut start = None;
    let mut cost = Cost::default();
    let mut types = Types::default();
    let mut initial = 0;
    let mut late = false;
    let mut listing: Option<Vec<u8>> = None;
    while reader.at < bytes.len() {
        let begin = reader.at;
        let id = reader.byte()?;
        let length = reader.number()? as usize;
        let body = reader.at;
        let payload = reader.take(length)?;
        let mut inside = Reader { all: payload, at: 0 };
        if let Some((most, what)) = cap(id) {
            let count = inside.number()?;
            if count > most {
                return Err(invalid(format!("the module has {count} {what}, at most {most} are taken")));
            }
            match id {
                1 => types = check_types(&mut inside, count)?,
                4 | 5 => initial += sizes(&mut inside, id, count)?,
                _ => {}
            }
            cost.section(id, length, count, &types);
            afford(&cost)?;
            if id == 10 {
                check_bodies(&mut inside, count, &types, &mut cost, &afford)?;
            }
            if id == 7 {
                exports = Some((begin, body, body + length));
            }
        }
        // The start section is taken out below, so that its place is checked here; of all others wasmi sees to it.
        late |= (9..=12).contains(&id);
        if id == 8 && (late || start.is_some()) {
            return Err(invalid("the sections are out of order"));
        }
        match id {
            0 => {
                let name = inside.number()? as usize;
                if inside.take(name)? == b"modhost" {
                    let text = listing.get_or_insert_default();
                    text.extend_from_slice(&payload[inside.at..]);
                    if text.len() > MOST_LISTING {
                        return Err(invalid(format!("the `modhost` section is longer than {MOST_LISTING} bytes")));
                    }
                }
            }
            8 => start = Some((begin, inside.number()?)),
            _ => {}
        }
    }
    let bytes = match start {
        None => Cow::Borrowed(bytes),
        Some((begin, function)) => Cow::Owned(export_start(bytes, exports, begin, function)?),
    };
    Ok(Prepared { bytes, cost, initial, starts: start.is_some(), listing })
}

/// A copy of `bytes` without the start section `start`, in which `function` is exported as [`START`]. Custom sections are left out:
/// nobody reads them any more, and they may be most of a module.
fn export_start(
    bytes: &[u8],
    exports: Option<(usize, usize, usize)>,
    start: usize,
    function: u32,
) -> Result<Vec<u8>, Fault> {
    let (count, entries, replaced) = match exports {
        Some((begin, ..)) if begin > start => return Err(invalid("the sections are out of order")),
        Some((begin, body, end)) => {
            let mut reader = Reader { all: &bytes[..end], at: body };
            (reader.number()?, &bytes[reader.at..end], begin)
        }
        // The export section comes right before the start section.
        None => (0, &[][..], start),
    };
    let mut payload = Vec::with_capacity(entries.len() + 32);
    write_number(count + 1, &mut payload);
    payload.extend_from_slice(entries);
    write_number(START.len() as u32, &mut payload);
    payload.extend_from_slice(START.as_bytes());
    payload.push(0);
    write_number(function, &mut payload);

    let mut out = Vec::with_capacity(bytes.len() + 40);
    out.extend_from_slice(&bytes[..8]);
    let mut reader = Reader { all: bytes, at: 8 };
    while reader.at < bytes.len() {
        let begin = reader.at;
        let id = reader.byte()?;
        let length = reader.number()? as usize;
        reader.take(length)?;
        if begin == replaced {
            out.push(7);
            write_number(payload.len() as u32, &mut out);
            out.extend_from_slice(&payload);
        } else if id != 0 && begin != start {
            out.extend_from_slice(&bytes[begin..reader.at]);
        }
    }
    Ok(out)
}

fn check_types(reader: &mut Reader<'_>, count: u32) -> Result<Types, Fault> {
    let mut types = Types::default();
    for _ in 0..count {
        if reader.byte()? != 0x60 {
            return Err(invalid("a type is not a function type"));
        }
        let mut counts = [0; 2];
        for (at, (what, most)) in [("parameters", MOST_PARAMS), ("results", MOST_RESULTS)].into_iter().enumerate() {
            let values = reader.number()?;
            if values > most {
                return Err(invalid(format!("a function type has {values} {what}, at most {most} are taken")));
            }
            // A value type is one byte in every proposal that is switched on.
            reader.take(values as usize)?;
            counts[at] = values;
        }
        types.add(counts);
    }
    Ok(types)
}

/// The bytes that the tables (4) or memories (5) of a section begin with.
fn sizes(reader: &mut Reader<'_>, id: u8, count: u32) -> Result<u64, Fault> {
    let mut bytes = 0;
    for _ in 0..count {
        if id == 4 {
            reader.byte()?;
        }
        let bounded = reader.number()? & 1 == 1;
        bytes += u64::from(reader.number()?) * if id == 4 { ELEMENT } else { PAGE };
        if bounded {
            reader.number()?;
        }
    }
    Ok(bytes)
}

fn check_bodies(
    reader: &mut Reader<'_>,
    count: u32,
    types: &Types,
    cost: &mut Cost,
    afford: impl Fn(&Cost) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for _ in 0..count {
        let length = reader.number()? as usize;
        if length > LONGEST_BODY {
            return Err(invalid(format!("a function is {length} bytes long, at most {LONGEST_BODY} are taken")));
        }
        let mut body = Reader { all: reader.take(length)?, at: 0 };
        let mut locals = 0_u64;
        for _ in 0..body.number()? {
            locals += u64::from(body.number()?);
            body.byte()?;
            if locals > MOST_LOCALS {
                return Err(invalid(format!("a function has more than {MOST_LOCALS} locals")));
            }
        }
        cost.body(body.all, locals, types).map_err(invalid)?;
        afford(cost)?;
    }
    Ok(())
}

struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.all.get(self.at..end)).ok_or_else(|| invalid("the module is cut short"))?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1).map(|byte| byte[0])
    }

    /// An unsigned LEB128 number of at most 32 bits.
    fn number(&mut self) -> Result<u32, Fault> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| invalid("a number is beyond 32 bits"));
            }
        }
        Err(invalid("a number is beyond 32 bits"))
    }
}

fn write_number(mut number: u32, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
