//! Reads encodings, which may come from hostile guests: every byte is checked, every allocation was paid for.

use alloc::{string::String, vec::Vec};
use core::{fmt, str};

use super::{FORMAT, NAN, tag};
use crate::{Handle, Key, Map, NODE_BYTES, TooLarge, Value, ValueBudget, ValueLimits};

/// Reads the one value that `bytes` encode.
///
/// It allocates at most [`NODE_BYTES`] for each byte of the input, and at most twice `limits.bytes`.
///
/// # Errors
/// [`DecodeError`] for bytes that [`encode`](super::encode()) would not have made of any value, and for a value beyond
/// `limits`.
pub fn decode(bytes: &[u8], limits: ValueLimits) -> Result<Value, DecodeError> {
    Reader::read(bytes, limits, |reader| {
        reader.prepay(1)?;
        reader.value()
    })
}

/// Reads the list that `bytes` encode, the arguments of a call, as [`encode_list`](super::encode_list) wrote it.
///
/// The list itself is not counted: `limits` are those of its elements, together.
///
/// # Errors
/// As [`decode`], and [`DecodeCause::NotAList`] for any other value.
pub fn decode_list(bytes: &[u8], limits: ValueLimits) -> Result<Vec<Value>, DecodeError> {
    let mut items = Vec::new();
    decode_list_into(bytes, limits, &mut items).map(|()| items)
}

/// [`decode_list`] into `items`, which is emptied first and keeps its room from call to call.
///
/// # Errors
/// As [`decode_list`]; then what `items` holds is not said.
pub fn decode_list_into(bytes: &[u8], limits: ValueLimits, items: &mut Vec<Value>) -> Result<(), DecodeError> {
    items.clear();
    Reader::read(bytes, limits, |reader| match reader.byte()? {
        tag::LIST => reader.list(items),
        _ => reader.fail(1, DecodeCause::NotAList),
    })
}

/// Bytes are not the encoding of a value, or not of one within the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecodeError {
    /// Where in the input, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub cause: DecodeCause,
}

/// The cause of a [`DecodeError`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeCause {
    /// The first byte is not [`FORMAT`](super::FORMAT).
    Format,
    /// The input ends too early for what it announces.
    Truncated,
    /// No value begins with this byte.
    Tag(u8),
    /// A number is longer than it need be, or than 64 bits.
    Number,
    /// A NaN other than the one that is written.
    Nan,
    /// A text or a key is not UTF-8.
    Utf8,
    /// A key is not greater than the one before it.
    KeyOrder,
    /// A map holds nil.
    NilInMap,
    /// [`decode_list`] found another value.
    NotAList,
    /// The value has ended, the input has not.
    Trailing,
    /// The value is beyond its limits.
    TooLarge(TooLarge),
}

impl DecodeError {
    /// The limit that the value is beyond, where that is the cause.
    #[must_use]
    pub fn too_large(&self) -> Option<TooLarge> {
        match self.cause {
            DecodeCause::TooLarge(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            DecodeCause::Format => write!(f, "the encoding does not begin with {FORMAT:#04x}")?,
            DecodeCause::Truncated => f.write_str("the encoding ends too early")?,
            DecodeCause::Tag(tag) => write!(f, "no value begins with {tag:#04x}")?,
            DecodeCause::Number => f.write_str("a number is not in its shortest form")?,
            DecodeCause::Nan => f.write_str("a NaN is not the canonical one")?,
            DecodeCause::Utf8 => f.write_str("a text is not UTF-8")?,
            DecodeCause::KeyOrder => f.write_str("the keys of a map do not ascend")?,
            DecodeCause::NilInMap => f.write_str("a map holds nil")?,
            DecodeCause::NotAList => f.write_str("a list was expected")?,
            DecodeCause::Trailing => f.write_str("bytes follow the value")?,
            DecodeCause::TooLarge(error) => error.fmt(f)?,
        }
        write!(f, " (at byte {})", self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// An error was noted in [`Reader::error`]. Passing it along as nothing keeps results of bytes and numbers in registers.
struct Failed;

/// What is left of the input and of the limits.
///
/// A container pays for all its elements before room for them is reserved: in limits ([`Reader::prepay`]) and in input
/// (`owed`). Else a count could be claimed again at each level, and a few bytes would reserve 128 times the limit.
struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    /// How many bytes at the end of `rest` are spoken for by elements that were announced and are still to come.
    owed: usize,
    budget: ValueBudget,
    error: DecodeError,
}

impl<'a> Reader<'a> {
    #[inline]
    fn read<T>(
        bytes: &'a [u8],
        limits: ValueLimits,
        body: impl FnOnce(&mut Self) -> Result<T, Failed>,
    ) -> Result<T, DecodeError> {
        let error = DecodeError { offset: 0, cause: DecodeCause::Truncated };
        let budget = ValueBudget::new(limits);
        let mut reader = Reader { rest: bytes, length: bytes.len(), owed: 0, budget, error };
        let whole = |reader: &mut Self| match reader.byte()? {
            FORMAT => {
                let read = body(reader)?;
                if reader.rest.is_empty() { Ok(read) } else { reader.fail(0, DecodeCause::Trailing) }
            }
            _ => reader.fail(1, DecodeCause::Format),
        };
        whole(&mut reader).map_err(|Failed| reader.error)
    }

    /// Notes an error `back` bytes before the next one.
    #[cold]
    fn fail<T>(&mut self, back: usize, cause: DecodeCause) -> Result<T, Failed> {
        self.error = DecodeError { offset: self.length - self.rest.len() - back, cause };
        Err(Failed)
    }

    #[inline]
    fn within(&mut self, checked: Result<(), TooLarge>) -> Result<(), Failed> {
        checked.or_else(|error| self.fail(0, DecodeCause::TooLarge(error)))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Failed> {
        let Some((first, rest)) = self.rest.split_first() else { return self.fail(0, DecodeCause::Truncated) };
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failed> {
        let Some((first, rest)) = self.rest.split_first_chunk() else {
            return self.fail(0, DecodeCause::Truncated);
        };
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Failed> {
        let first = self.byte()?;
        if first < 0x80 { Ok(u64::from(first)) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> Result<u64, Failed> {
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            // A last byte of zero adds nothing; of the tenth byte only one bit is left.
            if byte == 0 || (shift == 63 && byte > 1) {
                return self.fail(1, DecodeCause::Number);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(number)
    }

    /// Reads how many things follow that take at least `each` bytes; as many bytes are there.
    #[inline]
    fn count(&mut self, each: usize) -> Result<usize, Failed> {
        let count = self.varint()?;
        let free = self.rest.len().saturating_sub(self.owed);
        match usize::try_from(count) {
            Ok(count) if count <= free / each => Ok(count),
            _ => self.fail(0, DecodeCause::Truncated),
        }
    }

    /// Reads a length and as many bytes, and charges them.
    #[inline]
    fn run(&mut self) -> Result<&'a [u8], Failed> {
        let length = self.count(1)?;
        let charged = self.budget.charge(length as u64);
        self.within(charged)?;
        let (run, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(run)
    }

    #[inline]
    fn text(&mut self) -> Result<&'a str, Failed> {
        let run = self.run()?;
        str::from_utf8(run).or_else(|error| self.fail(run.len() - error.valid_up_to(), DecodeCause::Utf8))
    }

    #[inline]
    fn prepay(&mut self, count: usize) -> Result<(), Failed> {
        let charged = self.budget.charge(NODE_BYTES.saturating_mul(count as u64));
        self.within(charged)
    }

    /// One value, whose [`NODE_BYTES`] are paid. Inlined where a scalar is likely; the recursion goes through `list` and
    /// `map`.
    #[inline(always)]
    fn value(&mut self) -> Result<Value, Failed> {
        let entered = self.budget.descend();
        self.within(entered)?;
        let value = match self.byte()? {
            tag::NIL => Value::Nil,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => {
                let number = self.varint()?;
                Value::Int((number >> 1) as i64 ^ -((number & 1) as i64))
            }
            tag::FLOAT => {
                let float = f64::from_le_bytes(self.array()?);
                if float.is_nan() && float.to_bits() != NAN {
                    return self.fail(8, DecodeCause::Nan);
                }
                Value::Float(float)
            }
            tag::STR => Value::Str(String::from(self.text()?)),
            tag::BYTES => Value::Bytes(Vec::from(self.run()?)),
            tag::LIST => {
                let mut items = Vec::new();
                self.list(&mut items)?;
                Value::List(items)
            }
            tag::MAP => Value::Map(self.map()?),
            tag::HANDLE => {
                let mut word = || self.array().map(u32::from_le_bytes);
                Value::Handle(Handle { kind: word()?, slot: word()?, generation: word()? })
            }
            other => return self.fail(1, DecodeCause::Tag(other)),
        };
        self.budget.leave();
        Ok(value)
    }

    #[inline(never)]
    fn list(&mut self, items: &mut Vec<Value>) -> Result<(), Failed> {
        let count = self.count(1)?;
        self.prepay(count)?;
        self.owed += count;
        items.reserve_exact(count);
        for _ in 0..count {
            self.owed -= 1;
            items.push(self.value()?);
        }
        Ok(())
    }

    #[inline(never)]
    fn map(&mut self) -> Result<Map, Failed> {
        // The length of a key and the tag of a value.
        let count = self.count(2)?;
        self.prepay(count)?;
        self.owed += 2 * count;
        let mut entries: Vec<(Key, Value)> = Vec::with_capacity(count);
        for _ in 0..count {
            // The value's tag stays owed while the key is read.
            self.owed -= 1;
            let key = self.text()?;
            if entries.last().is_some_and(|(last, _)| last.as_bytes() >= key.as_bytes()) {
                return self.fail(key.len(), DecodeCause::KeyOrder);
            }
            self.owed -= 1;
            let value = self.value()?;
            if matches!(value, Value::Nil) {
                return self.fail(1, DecodeCause::NilInMap);
            }
            entries.push((Key::from(key), value));
        }
        Ok(Map::from_ascending(entries))
    }
}
