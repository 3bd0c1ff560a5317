//! Writes the encoding of values. It does not look at types or signatures; callers are the backends and the guests' SDK.

use alloc::vec::Vec;

use super::{FORMAT, NAN, tag};
use crate::{Handle, TooLarge, Value, ValueBudget, ValueLimits};

/// Appends the encoding of `value` to `out`.
///
/// It goes as deep as the value does and knows no limits; [`encode_within`] is for values that nobody has measured yet.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    out.push(FORMAT);
    write(value, out);
}

/// Appends the encoding of `Value::List(values)` to `out`, without making one: the arguments of a call.
#[inline]
pub fn encode_list(values: &[Value], out: &mut Vec<u8>) {
    out.push(FORMAT);
    write_list(values, out);
}

/// As [`encode`], for a value within `limits`.
///
/// # Errors
/// [`TooLarge`]; then nothing was appended.
pub fn encode_within(value: &Value, limits: ValueLimits, out: &mut Vec<u8>) -> Result<(), TooLarge> {
    ValueBudget::new(limits).measure(value)?;
    encode(value, out);
    Ok(())
}

/// As [`encode_list`], for values that are within `limits` together. The list around them is not counted.
///
/// # Errors
/// [`TooLarge`]; then nothing was appended.
pub fn encode_list_within(values: &[Value], limits: ValueLimits, out: &mut Vec<u8>) -> Result<(), TooLarge> {
    let mut budget = ValueBudget::new(limits);
    values.iter().try_for_each(|value| budget.measure(value))?;
    encode_list(values, out);
    Ok(())
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.push(tag::NIL),
        Value::Bool(false) => out.push(tag::FALSE),
        Value::Bool(true) => out.push(tag::TRUE),
        // Zigzag: small numbers of either sign are short.
        Value::Int(int) => write_number(tag::INT, ((int << 1) ^ (int >> 63)) as u64, out),
        Value::Float(float) => {
            let bits = if float.is_nan() { NAN } else { float.to_bits() };
            let mut bytes = [tag::FLOAT; 9];
            bytes[1..].copy_from_slice(&bits.to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        Value::Str(text) => {
            write_number(tag::STR, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            write_number(tag::BYTES, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::List(items) => write_list(items, out),
        Value::Map(map) => {
            write_number(tag::MAP, map.len() as u64, out);
            for (key, item) in map.iter_bytes() {
                write_varint(key.len() as u64, out);
                out.extend_from_slice(key);
                write(item, out);
            }
        }
        Value::Handle(Handle { kind, slot, generation }) => {
            let mut bytes = [tag::HANDLE; 13];
            bytes[1..5].copy_from_slice(&kind.to_le_bytes());
            bytes[5..9].copy_from_slice(&slot.to_le_bytes());
            bytes[9..].copy_from_slice(&generation.to_le_bytes());
            out.extend_from_slice(&bytes);
        }
    }
}

fn write_list(items: &[Value], out: &mut Vec<u8>) {
    write_number(tag::LIST, items.len() as u64, out);
    for item in items {
        write(item, out);
    }
}

/// A tag and a number; most numbers are small, and two bytes at once are cheaper than one after the other.
#[inline]
fn write_number(tag: u8, number: u64, out: &mut Vec<u8>) {
    if number < 0x80 {
        out.extend_from_slice(&[tag, number as u8]);
    } else {
        out.push(tag);
        write_varint(number, out);
    }
}

#[inline]
fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
