//! [`Signature`]: the parameters and result of a function, with the text form `(a: int, b: int) -> int`.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{
    Type,
    types::{ParseError, Parser},
};

/// One parameter of a [`Signature`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Param {
    /// Its name, for people.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// The parameters and the result of a function that crosses the seam.
///
/// ```
/// use modhost_abi::{Signature, Type};
///
/// let signature: Signature = "(kind: str, x: float, y: float) -> int".parse()?;
/// assert_eq!(signature.params[0].name, "kind");
/// assert_eq!(signature.result, Type::Int);
/// assert_eq!(signature.to_string(), "(kind: str, x: float, y: float) -> int");
/// # Ok::<(), modhost_abi::ParseError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// The parameters, in order.
    pub params: Vec<Param>,
    /// The result; [`Type::Nil`] for none.
    pub result: Type,
}

impl Signature {
    /// A signature of unnamed parameters (`a`, `b`, ... in its text).
    #[must_use]
    pub fn of(params: Vec<Type>, result: Type) -> Self {
        let name = |at: usize| char::from(b'a' + (at % 26) as u8).into();
        Signature {
            params: params.into_iter().enumerate().map(|(at, ty)| Param { name: name(at), ty }).collect(),
            result,
        }
    }

    /// The fewest arguments it takes: trailing optional ones may be left out.
    #[must_use]
    pub fn required(&self) -> usize {
        let needed = |param: &Param| !matches!(param.ty, Type::Optional(_) | Type::Nil);
        self.params.iter().rposition(needed).map_or(0, |last| last + 1)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (at, param) in self.params.iter().enumerate() {
            write!(f, "{}{}: {}", if at == 0 { "" } else { ", " }, param.name, param.ty)?;
        }
        f.write_str(")")?;
        if self.result == Type::Nil { Ok(()) } else { write!(f, " -> {}", self.result) }
    }
}

impl FromStr for Signature {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser::new(text)?;
        parser.need("(", "`(`")?;
        let mut params = Vec::new();
        while !parser.eat(")") {
            if !params.is_empty() {
                parser.need(",", "`,` or `)`")?;
            }
            let name = parser.name()?.into();
            parser.need(":", "`:` and a type")?;
            params.push(Param { name, ty: parser.ty(16)? });
        }
        let result = if parser.eat("->") { parser.ty(16)? } else { Type::Nil };
        parser.end().map(|()| Signature { params, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_text_form_reads_back() {
        for text in ["()", "() -> int", "(a: list<int>, b: {x: float}?) -> \"on\" | \"off\""] {
            assert_eq!(text.parse::<Signature>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn trailing_optional_parameters_may_be_left_out() {
        let signature: Signature = "(a: int?, b: int, c: str?)".parse().unwrap();
        assert_eq!(signature.required(), 2);
    }
}
