//! Bytes that a guest hands over as an encoded value: whatever they are, the codec decodes them to a value with that very encoding, or
//! says at which offset they are wrong.

use modhost::{
    ValueLimits,
    abi::codec::{decode, encode},
};

use crate::Play;

pub(crate) fn start() -> Play {
    let limits = ValueLimits::default();
    Box::new(move |bytes| {
        // Random bytes would nearly all fail at the first: the format's byte is put in front.
        let bytes = if bytes.first() == Some(&0xb1) { bytes.to_vec() } else { [&[0xb1], bytes].concat() };
        let value = match decode(&bytes, limits) {
            Ok(value) => value,
            Err(error) if error.offset <= bytes.len() => return Ok(format!("refused: {:?}", error.cause)),
            Err(error) => return Err(format!("offset {} in {} bytes", error.offset, bytes.len())),
        };
        let mut again = Vec::new();
        encode(&value, &mut again);
        match again == bytes && value.weight() <= limits.bytes {
            true => Ok(format!("ok: {}", value.type_name())),
            false => Err(format!("{value:?} has two encodings, {bytes:02x?} and {again:02x?}")),
        }
    })
}
