//! The wire codec: a [`Value`](crate::Value) as bytes and back. Wasm guests, native libraries and worker
//! processes share it.
//!
//! One value has one encoding and [`decode`] accepts no other, so that bytes can be compared and hashed in place of
//! values; a NaN loses its payload and nothing else is lost. `ABI.md` describes the format byte by byte.
//!
//! It checks bytes against the format and values against [`ValueLimits`](crate::ValueLimits); whether a value has the type
//! that somebody declared is for [`Type::check`](crate::Type::check). Nothing here panics, whatever the bytes are.
//!
//! ```
//! use modhost_abi::{Value, ValueLimits, codec};
//!
//! let mut bytes = Vec::new();
//! codec::encode(&Value::from("wolf"), &mut bytes);
//! assert_eq!(bytes, b"\xb1\x05\x04wolf");
//! assert_eq!(codec::decode(&bytes, ValueLimits::default())?, Value::from("wolf"));
//! # Ok::<(), codec::DecodeError>(())
//! ```

mod decode;
mod encode;

pub use decode::{DecodeCause, DecodeError, decode, decode_list, decode_list_into};
pub use encode::{encode, encode_list, encode_list_within, encode_within};

/// The first byte of every encoding. It is no tag, so that a forgotten one is found; another format would have another.
pub const FORMAT: u8 = 0xb1;

/// The one NaN that is written.
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// The byte that begins each value.
mod tag {
    pub(super) const NIL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const STR: u8 = 5;
    pub(super) const BYTES: u8 = 6;
    pub(super) const LIST: u8 = 7;
    pub(super) const MAP: u8 = 8;
    pub(super) const HANDLE: u8 = 9;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Handle, Map, TooLarge, Value, ValueLimits};
    use alloc::{vec, vec::Vec};

    fn check(value: Value, bytes: &[u8]) {
        let mut out = Vec::new();
        encode(&value, &mut out);
        assert_eq!(out, bytes, "{value:?}");
        assert_eq!(decode(bytes, ValueLimits::default()), Ok(value));
    }

    #[test]
    fn every_type_has_its_bytes() {
        check(Value::Nil, &[FORMAT, 0]);
        check(Value::Bool(false), &[FORMAT, 1]);
        check(Value::Bool(true), &[FORMAT, 2]);
        check(Value::Int(-1), &[FORMAT, 3, 1]);
        check(Value::Int(64), &[FORMAT, 3, 0x80, 1]);
        check(Value::Int(i64::MIN), &[FORMAT, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        check(Value::Float(1.5), &[FORMAT, 4, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        check(Value::from("é"), &[FORMAT, 5, 2, 0xc3, 0xa9]);
        check(Value::Bytes(vec![0, 255]), &[FORMAT, 6, 2, 0, 255]);
        check(Value::List(vec![Value::Nil, Value::Int(1)]), &[FORMAT, 7, 2, 0, 3, 2]);
        check(Value::Map(Map::from_iter([("a", Value::Bool(true))])), &[FORMAT, 8, 1, 1, b'a', 2]);
        check(
            Value::Handle(Handle { kind: 1, slot: 2, generation: 3 }),
            &[FORMAT, 9, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0],
        );
    }

    fn refuse(bytes: &[u8], offset: usize, cause: DecodeCause) {
        assert_eq!(decode(bytes, ValueLimits::default()), Err(DecodeError { offset, cause }), "{bytes:x?}");
    }

    #[test]
    fn what_encode_would_not_write_is_refused_at_its_place() {
        refuse(&[], 0, DecodeCause::Truncated);
        refuse(&[0, 0], 0, DecodeCause::Format);
        refuse(&[FORMAT], 1, DecodeCause::Truncated);
        refuse(&[FORMAT, 10], 1, DecodeCause::Tag(10));
        refuse(&[FORMAT, 0, 0], 2, DecodeCause::Trailing);
        refuse(&[FORMAT, 3, 0x80, 0], 3, DecodeCause::Number);
        refuse(&[FORMAT, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], 11, DecodeCause::Number);
        refuse(&[FORMAT, 4, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f], 2, DecodeCause::Nan);
        refuse(&[FORMAT, 5, 2, b'a', 0xff], 4, DecodeCause::Utf8);
        refuse(&[FORMAT, 5, 3, b'a', b'b'], 3, DecodeCause::Truncated);
        refuse(&[FORMAT, 8, 2, 1, b'b', 1, 1, b'a', 1], 7, DecodeCause::KeyOrder);
        refuse(&[FORMAT, 8, 2, 1, b'a', 1, 1, b'a', 1], 7, DecodeCause::KeyOrder);
        refuse(&[FORMAT, 8, 1, 0, 0], 4, DecodeCause::NilInMap);
        // Three elements are announced, the first of which claims the bytes of the others.
        refuse(&[FORMAT, 7, 3, 7, 2, 0, 0], 5, DecodeCause::Truncated);
    }

    #[test]
    fn limits_hold_to_the_byte_and_to_the_level() {
        let value = Value::List(vec![Value::from("abc"), Value::Map(Map::from_iter([("key", Value::Int(1))]))]);
        let (depth, bytes) = (3, value.weight());
        let mut out = Vec::new();
        for (limits, expected) in [
            (ValueLimits { depth, bytes }, Ok(())),
            (ValueLimits { depth: depth - 1, bytes }, Err(TooLarge::Depth(2))),
            (ValueLimits { depth, bytes: bytes - 1 }, Err(TooLarge::Bytes(bytes - 1))),
            (ValueLimits { depth: 0, bytes: 0 }, Err(TooLarge::Bytes(0))),
        ] {
            out.clear();
            encode(&value, &mut out);
            let decoded = decode(&out, limits).map_err(|error| error.too_large());
            assert_eq!(decoded, expected.map(|()| value.clone()).map_err(Some), "{limits:?}");

            out.clear();
            let measured = encode_within(&value, limits, &mut out);
            assert_eq!(measured.is_ok(), expected.is_ok(), "{limits:?}");
            assert_eq!(out.is_empty(), expected.is_err(), "nothing is appended beyond a limit");
        }
    }

    #[test]
    fn the_list_around_arguments_is_not_counted() {
        let args = [Value::Int(1), Value::Int(2)];
        let limits = ValueLimits { depth: 1, bytes: 64 };
        let mut out = Vec::new();
        encode_list_within(&args, limits, &mut out).unwrap();
        assert_eq!(decode_list(&out, limits).unwrap(), args);
        assert_eq!(decode(&out, ValueLimits::default()), Ok(Value::List(args.to_vec())));
        let less = ValueLimits { bytes: 63, ..limits };
        assert_eq!(decode_list(&out, less).unwrap_err().too_large(), Some(TooLarge::Bytes(63)));
        assert_eq!(encode_list_within(&args, less, &mut out), Err(TooLarge::Bytes(63)));
        assert_eq!(decode_list(&[FORMAT, 0], limits).unwrap_err().cause, DecodeCause::NotAList);
    }
}
