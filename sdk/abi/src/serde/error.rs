//! [`TypeError`] as serde's error, in this crate's words, and the errors of limits.

use alloc::string::{String, ToString};
use core::fmt::{Display, Write};

use ::serde::{
    de::{self, Expected, Unexpected},
    ser,
};

use crate::{TooLarge, TypeError, type_error};

impl ser::Error for TypeError {
    fn custom<T: Display>(message: T) -> Self {
        TypeError::new("a value that can cross", message.to_string())
    }
}

impl de::Error for TypeError {
    fn custom<T: Display>(message: T) -> Self {
        TypeError::new("a value that its type takes", message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        TypeError::new(expected.to_string(), name(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Signed(int) => int.to_string(),
            Unexpected::Str(text) => quoted(text),
            other => name(other),
        };
        TypeError::new(expected.to_string(), found)
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        TypeError::new(expected.to_string(), alloc::format!("{found} elements"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut names = String::new();
        for (at, name) in expected.iter().enumerate() {
            // Writing to a text cannot fail.
            let _ = write!(names, "{}\"{name}\"", if at == 0 { "" } else { " | " });
        }
        TypeError::new(names, quoted(variant))
    }

    /// The words that [`Type::check`](crate::Type::check) has for it.
    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        TypeError::new("no such entry", "one").inside(type_error::key(field))
    }

    fn missing_field(field: &'static str) -> Self {
        TypeError::new("a value", "nil").inside(type_error::key(field))
    }
}

/// A type as this crate calls it.
fn name(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(_) => "bool".into(),
        Unexpected::Signed(_) | Unexpected::Unsigned(_) => "int".into(),
        Unexpected::Float(_) => "float".into(),
        Unexpected::Char(_) | Unexpected::Str(_) => "str".into(),
        Unexpected::Bytes(_) => "bytes".into(),
        Unexpected::Unit | Unexpected::Option => "nil".into(),
        Unexpected::Seq => "list".into(),
        Unexpected::Map => "map".into(),
        other => other.to_string(),
    }
}

/// A text that a plugin may have made, shortened and escaped.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    alloc::format!("\"{}\"", short.escape_debug())
}

/// A value beyond a limit, at the place where it went beyond.
pub(super) fn too_large(limit: TooLarge) -> TypeError {
    match limit {
        TooLarge::Depth(limit) => TypeError::new(alloc::format!("at most {limit} levels of nesting"), "more"),
        TooLarge::Bytes(limit) => TypeError::new(alloc::format!("at most {limit} bytes"), "more"),
    }
}
