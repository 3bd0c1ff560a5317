//! [`Type`]: what a value may be, and its text form, which signatures, errors and generated stubs share.

use alloc::{borrow::Cow, boxed::Box, string::String, string::ToString, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{TypeError, Value, type_error};

/// The deepest type that is parsed.
const DEEPEST: u32 = 16;
/// The longest text that is parsed as a type or signature, in bytes.
pub(crate) const LONGEST: usize = 4096;

/// What a value may be.
///
/// Written `any nil bool int float str bytes handle`, `list<T>`, `map<T>`, `{name: T, ...}`, `"a" | "b"` for the names of
/// a unit enum, and `T?` for a value that may be nil.
///
/// ```
/// use modhost_abi::{Type, Value};
///
/// let ty: Type = "list<int>".parse()?;
/// assert!(ty.check(&Value::List(vec![Value::Int(1)])).is_ok());
/// let error = ty.check(&Value::List(vec![Value::Int(1), Value::Float(2.0)])).unwrap_err();
/// assert_eq!(error.to_string(), "[1]: expected int, found float");
/// # Ok::<(), modhost_abi::ParseError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Type {
    /// Any value at all.
    Any,
    /// Only nil.
    Nil,
    /// A bool.
    Bool,
    /// An int.
    Int,
    /// A float.
    Float,
    /// Text.
    Str,
    /// Bytes.
    Bytes,
    /// A handle of the host.
    Handle,
    /// A list whose elements are all of one type.
    List(Box<Type>),
    /// A map whose values are all of one type.
    Map(Box<Type>),
    /// A map with these entries; further entries are an error.
    Record(Vec<(String, Type)>),
    /// One of these texts.
    Enum(Vec<String>),
    /// Nil or the inner type.
    Optional(Box<Type>),
}

impl Type {
    /// Checks `value` and all that is in it.
    ///
    /// # Errors
    /// A [`TypeError`] with the path of the first part that does not fit.
    pub fn check(&self, value: &Value) -> Result<(), TypeError> {
        match (self, value) {
            (Type::Any, _)
            | (Type::Nil | Type::Optional(_), Value::Nil)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Float, Value::Float(_))
            | (Type::Str, Value::Str(_))
            | (Type::Bytes, Value::Bytes(_))
            | (Type::Handle, Value::Handle(_)) => Ok(()),
            (Type::Optional(inner), _) => inner.check(value),
            (Type::List(inner), Value::List(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(at, item)| inner.check(item).map_err(|error| error.inside(type_error::index(at)))),
            (Type::Map(inner), Value::Map(map)) => map
                .iter()
                .try_for_each(|(key, item)| inner.check(item).map_err(|error| error.inside(type_error::key(key)))),
            (Type::Record(fields), Value::Map(map)) => {
                for (name, ty) in fields {
                    ty.check(map.get(name).unwrap_or(&Value::Nil)).map_err(|e| e.inside(type_error::key(name)))?;
                }
                match map.keys().find(|key| !fields.iter().any(|(name, _)| name == key)) {
                    Some(extra) => Err(TypeError::new("no such entry", "one").inside(type_error::key(extra))),
                    None => Ok(()),
                }
            }
            (Type::Enum(names), Value::Str(text)) if names.contains(text) => Ok(()),
            (Type::Enum(_), Value::Str(_)) => Err(TypeError::new(self.to_string(), "another text")),
            _ => Err(TypeError::new(self.expected(), value.type_name())),
        }
    }

    /// The type as an error names it, without allocation for the plain ones.
    #[must_use]
    pub fn expected(&self) -> Cow<'static, str> {
        match self {
            Type::Any => "any".into(),
            Type::Nil => "nil".into(),
            Type::Bool => "bool".into(),
            Type::Int => "int".into(),
            Type::Float => "float".into(),
            Type::Str => "str".into(),
            Type::Bytes => "bytes".into(),
            Type::Handle => "handle".into(),
            other => other.to_string().into(),
        }
    }

    /// The type a list's elements should have, for a converter that walks a value along its type.
    #[must_use]
    pub fn element(&self) -> &Type {
        match self {
            Type::List(inner) | Type::Map(inner) => inner,
            Type::Optional(inner) => inner.element(),
            _ => &Type::Any,
        }
    }

    /// The type that the entry `key` of a map should have.
    #[must_use]
    pub fn entry(&self, key: &str) -> &Type {
        match self {
            Type::Record(fields) => fields.iter().find(|(name, _)| name == key).map_or(&Type::Any, |(_, ty)| ty),
            Type::Optional(inner) => inner.entry(key),
            other => other.element(),
        }
    }

    /// The type without the leading `?`: what is there if anything is.
    #[must_use]
    pub fn present(&self) -> &Type {
        match self {
            Type::Optional(inner) => inner.present(),
            other => other,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::List(inner) => write!(f, "list<{inner}>"),
            Type::Map(inner) => write!(f, "map<{inner}>"),
            Type::Optional(inner) if matches!(**inner, Type::Enum(_)) => write!(f, "({inner})?"),
            Type::Optional(inner) => write!(f, "{inner}?"),
            Type::Record(fields) => {
                f.write_str("{")?;
                for (at, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {ty}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Type::Enum(names) => {
                for (at, name) in names.iter().enumerate() {
                    write!(f, "{}\"{name}\"", if at == 0 { "" } else { " | " })?;
                }
                Ok(())
            }
            plain => f.write_str(&plain.expected()),
        }
    }
}

/// A type or signature is malformed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseError {
    at: usize,
    expected: &'static str,
}

impl ParseError {
    /// Where in the text, in bytes.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

impl core::error::Error for ParseError {}

/// A cursor over the text of a type or signature.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Self, ParseError> {
        let parser = Parser { text, at: 0 };
        if text.len() > LONGEST { Err(parser.expected("at most 4096 bytes")) } else { Ok(parser) }
    }

    pub(crate) fn expected(&self, expected: &'static str) -> ParseError {
        ParseError { at: self.at, expected }
    }

    /// Takes `token` (and blanks before it) if it comes next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start_matches([' ', '\t']);
        if !trimmed.starts_with(token) {
            return false;
        }
        self.at += rest.len() - trimmed.len() + token.len();
        true
    }

    pub(crate) fn need(&mut self, token: &str, expected: &'static str) -> Result<(), ParseError> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// A name: letters, digits, `_`, `-` and `.`.
    pub(crate) fn name(&mut self) -> Result<&'a str, ParseError> {
        self.eat("");
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| {
                !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || c == '-' && !rest.starts_with("->"))
            })
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected("a name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    pub(crate) fn end(&mut self) -> Result<(), ParseError> {
        self.eat("");
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end")) }
    }

    pub(crate) fn ty(&mut self, depth: u32) -> Result<Type, ParseError> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.expected("at most 16 levels of types"))?;
        let mut ty = if self.eat("{") {
            self.record(depth)?
        } else if self.eat("(") {
            let inner = self.ty(depth)?;
            self.need(")", "`)`")?;
            inner
        } else if self.eat("\"") {
            self.names()?
        } else {
            self.named(depth)?
        };
        // One `?` says all that several would.
        let mut optional = false;
        while self.eat("?") {
            optional = true;
        }
        if optional && !matches!(ty, Type::Optional(_)) {
            ty = Type::Optional(Box::new(ty));
        }
        Ok(ty)
    }

    fn named(&mut self, depth: u32) -> Result<Type, ParseError> {
        let before = self.at;
        let of = |parser: &mut Self| {
            parser.need("<", "`<`")?;
            let inner = parser.ty(depth)?;
            parser.need(">", "`>`")?;
            Ok(Box::new(inner))
        };
        Ok(match self.name()? {
            "any" => Type::Any,
            "nil" => Type::Nil,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "float" => Type::Float,
            "str" => Type::Str,
            "bytes" => Type::Bytes,
            "handle" => Type::Handle,
            "list" => Type::List(of(self)?),
            "map" => Type::Map(of(self)?),
            _ => {
                self.at = before;
                return Err(self.expected("a type (any nil bool int float str bytes handle list<T> map<T> {name: T})"));
            }
        })
    }

    fn record(&mut self, depth: u32) -> Result<Type, ParseError> {
        let mut fields = Vec::new();
        while !self.eat("}") {
            if !fields.is_empty() {
                self.need(",", "`,` or `}`")?;
            }
            let name = self.name()?;
            self.need(":", "`:` and a type")?;
            fields.push((name.into(), self.ty(depth)?));
        }
        Ok(Type::Record(fields))
    }

    fn names(&mut self) -> Result<Type, ParseError> {
        let mut names = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find('"').ok_or_else(|| self.expected("a closing quote"))?;
            names.push(rest[..end].into());
            self.at += end + 1;
            if !self.eat("|") {
                return Ok(Type::Enum(names));
            }
            self.need("\"", "another quoted name")?;
        }
    }
}

impl FromStr for Type {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser::new(text)?;
        let ty = parser.ty(DEEPEST)?;
        parser.end().map(|()| ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_reads_back() {
        for text in ["any", "list<map<int?>>", "{hp: int, name: str?}", "\"a\" | \"b\"", "(\"a\" | \"b\")?", "{}"] {
            let ty: Type = text.parse().unwrap();
            assert_eq!(ty.to_string(), text);
        }
    }

    #[test]
    fn malformed_types_say_where() {
        for (text, at) in [("", 0), ("list", 4), ("list<int", 8), ("{a int}", 2), ("int,", 3), ("\"a", 1), ("nope", 0)]
        {
            assert_eq!(text.parse::<Type>().unwrap_err().at(), at, "{text}");
        }
        assert!("list<".repeat(40).parse::<Type>().is_err());
        assert!(" ".repeat(LONGEST + 1).parse::<Type>().is_err());
    }

    #[test]
    fn a_record_names_missing_and_extra_entries() {
        let ty: Type = "{hp: int}".parse().unwrap();
        let missing = ty.check(&Value::Map(crate::Map::new())).unwrap_err();
        assert_eq!(missing.to_string(), ".hp: expected int, found nil");
        let extra = crate::Map::from_iter([("hp", Value::Int(1)), ("mp", Value::Int(1))]);
        assert_eq!(ty.check(&Value::Map(extra)).unwrap_err().at(), ".mp");
    }
}
