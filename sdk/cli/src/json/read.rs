//! JSON as values: the arguments of a call. Stricter than JSON, because a silent guess here is a wrong call: no number is rounded to an
//! integer's place, no key comes twice.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use modhost::{
    Code, Error, Map, Stage, Value, ValueLimits,
    abi::{TooLarge, ValueBudget},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::args::usage;

/// The most that is read; a plugin's own limits are checked, and named, by the call.
const MOST: ValueLimits = ValueLimits { depth: ValueLimits::DEEPEST, bytes: 16 << 20 };

/// Reads the arguments of a call, a JSON array.
///
/// # Errors
/// `usage` for other text, `limit.value` for what is nested too deeply or too large.
pub(crate) fn arguments(text: &str) -> Result<Vec<Value>, Error> {
    let mut budget = ValueBudget::new(MOST);
    let value = serde_json::from_str::<&RawValue>(text).map_err(Bad::from).and_then(|raw| read(raw, &mut budget));
    match value {
        Ok(Value::List(arguments)) => Ok(arguments),
        Ok(other) => Err(usage(format!(
            "--args: a JSON array is needed, like '[1, \"dusk\"]', and this is of type {}",
            other.type_name()
        ))),
        Err(Bad::Text(message)) => Err(usage(format!("--args: {message}"))),
        Err(Bad::TooLarge(limit)) => Err(Error::new(Code::LimitValue, Stage::Engine, format!("--args: {limit}"))),
    }
}

/// Why a text is no value.
enum Bad {
    Text(String),
    TooLarge(TooLarge),
}

impl From<TooLarge> for Bad {
    fn from(limit: TooLarge) -> Self {
        Bad::TooLarge(limit)
    }
}

impl From<serde_json::Error> for Bad {
    fn from(error: serde_json::Error) -> Self {
        Bad::Text(error.to_string())
    }
}

fn bad<T>(message: impl Into<String>) -> Result<T, Bad> {
    Err(Bad::Text(message.into()))
}

/// Reads one level at a time from the raw text, so that a number is seen as it was written.
fn read(raw: &RawValue, budget: &mut ValueBudget) -> Result<Value, Bad> {
    let text = raw.get();
    let payload = if text.starts_with('"') { text.len().saturating_sub(2) } else { 0 };
    budget.enter(payload)?;
    let value = match text.as_bytes().first() {
        Some(b'n') => Value::Nil,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => Value::Str(serde_json::from_str(text)?),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Value::List(items.into_iter().map(|item| read(item, budget)).collect::<Result<_, _>>()?)
        }
        Some(b'{') => object(serde_json::from_str::<Entries<'_>>(text)?.0, budget)?,
        _ => number(text)?,
    };
    budget.leave();
    Ok(value)
}

/// A token with a point or an exponent is a Float, any other an Int.
fn number(text: &str) -> Result<Value, Bad> {
    if !text.contains(['.', 'e', 'E']) {
        return text
            .parse()
            .map(Value::Int)
            .or_else(|_| bad(format!("{text} is beyond the 64 bits of an int; write {text}.0 if a float is meant")));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => bad(format!("{text} is beyond the range of a float; write {{\"$float\": \"inf\"}} if infinity is meant")),
    }
}

fn object(mut entries: Vec<(String, &RawValue)>, budget: &mut ValueBudget) -> Result<Value, Bad> {
    if let [(key, raw)] = &entries[..]
        && key.starts_with('$')
        && !key.starts_with("$$")
    {
        return special(key, raw);
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return bad(format!("the key {:?} comes twice in one object", twice[0].0));
    }
    let mut map = Vec::with_capacity(entries.len());
    for (mut key, raw) in entries {
        if key.starts_with('$') {
            if !key.starts_with("$$") {
                return bad(format!("the key {key:?} begins with `$`: write {:?}", format!("${key}")));
            }
            key.remove(0);
        }
        budget.charge(key.len() as u64)?;
        map.push((key, read(raw, budget)?));
    }
    Ok(Value::Map(Map::from_entries(map)))
}

/// What JSON has no form for: an object with one key that begins with `$`.
fn special(key: &str, raw: &RawValue) -> Result<Value, Bad> {
    let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
        return bad(format!("the value of {key:?} must be a text"));
    };
    let value = match key {
        "$int" => text.parse().map(Value::Int).ok(),
        "$float" => match &text[..] {
            "nan" => Some(Value::Float(f64::NAN)),
            "inf" => Some(Value::Float(f64::INFINITY)),
            "-inf" => Some(Value::Float(f64::NEG_INFINITY)),
            _ => None,
        },
        "$bytes" => BASE64_STANDARD.decode(&text).map(Value::Bytes).ok(),
        "$handle" => text.parse().map(Value::Handle).ok(),
        _ => {
            let own = format!("${key}");
            return bad(format!(
                "{key:?} is none of $int, $float, $bytes, $handle; write {own:?} for a key of your own"
            ));
        }
    };
    let needed = match key {
        "$int" => "a whole number of 64 bits",
        "$float" => "nan, inf or -inf",
        "$bytes" => "base64 with padding",
        _ => "kind:slot:generation",
    };
    value.map_or_else(|| bad(format!("{text:?} is no {key}: {needed} is needed")), Ok)
}

/// The entries of an object in their order, duplicates and all.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_value_says_why() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let rows = [
            ("[1", Code::Usage, "line 1 column 2"),
            ("{}", Code::Usage, "type map"),
            ("[] []", Code::Usage, "trailing"),
            ("[01]", Code::Usage, "number"),
            ("[9223372036854775808]", Code::Usage, "64 bits"),
            ("[-9223372036854775809]", Code::Usage, "64 bits"),
            ("[1e999]", Code::Usage, "range of a float"),
            (r#"[{"a":1,"b":2,"a":3}]"#, Code::Usage, r#""a" comes twice"#),
            (r#"[{"a":1,"\u0061":3}]"#, Code::Usage, r#""a" comes twice"#),
            (r#"[{"$a":1,"b":2}]"#, Code::Usage, r#"write "$$a""#),
            (r#"[{"$hex":"ff"}]"#, Code::Usage, "none of $int"),
            (r#"[{"$int":1}]"#, Code::Usage, "must be a text"),
            (r#"[{"$int":"1.0"}]"#, Code::Usage, "64 bits"),
            (r#"[{"$float":"infinity"}]"#, Code::Usage, "-inf"),
            (r#"[{"$bytes":"A"}]"#, Code::Usage, "base64"),
            (r#"[{"$handle":"1:2"}]"#, Code::Usage, "kind:slot"),
            (r#"["\ud800"]"#, Code::Usage, "line 1"),
            (&deep(129), Code::LimitValue, "128 levels"),
            (&deep(50_000), Code::LimitValue, "128 levels"),
        ];
        for (text, code, part) in rows {
            let error = arguments(text).unwrap_err();
            assert_eq!(error.code(), code, "{text:.60}");
            assert!(error.message().contains(part), "{text:.60}: {error}");
        }
        assert_eq!(arguments(&deep(128)).unwrap().len(), 1);
        assert_eq!(arguments("[-0, 1E2]").unwrap(), [Value::Int(0), Value::Float(100.0)]);
        let null_in_a_map = arguments(r#"[{"a":null}]"#).unwrap();
        assert_eq!(null_in_a_map, [Value::Map(Map::new())]);
    }
}
