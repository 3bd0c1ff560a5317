//! Values as JSON. Whatever [`super::read`] reads comes out as it went in, and every value comes out so that it reads back.

use base64::{Engine, prelude::BASE64_STANDARD};
use modhost::Value;
use serde_json::{Map, Number, Value as Json, json};

/// Beyond this, readers that know doubles only would round: it is written as text.
const EXACT_IN_DOUBLE: i64 = 1 << 53;

/// `value` as JSON.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) if (-EXACT_IN_DOUBLE..=EXACT_IN_DOUBLE).contains(value) => Json::from(*value),
        Value::Int(value) => json!({ "$int": value.to_string() }),
        Value::Float(value) => float(*value),
        Value::Str(text) => Json::String(text.clone()),
        Value::Bytes(bytes) => json!({ "$bytes": BASE64_STANDARD.encode(bytes) }),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (doubled(key), to_json(value))).collect::<Map<_, _>>())
        }
        Value::Handle(handle) => json!({ "$handle": handle.to_string() }),
    }
}

fn float(value: f64) -> Json {
    let text = match Number::from_f64(value) {
        Some(number) => return Json::Number(number),
        None if value.is_nan() => "nan",
        None if value > 0.0 => "inf",
        None => "-inf",
    };
    json!({ "$float": text })
}

/// A key of the plugin's own that begins with `$` is told from ours by a second one.
fn doubled(key: &str) -> String {
    if key.starts_with('$') { format!("${key}") } else { key.into() }
}

#[cfg(test)]
mod tests {
    use modhost::{Handle, Map};

    use super::*;
    use crate::json::{body, read};

    #[test]
    fn every_value_reads_back() {
        let handle = Handle { kind: 1, slot: 2, generation: u32::MAX };
        let rows = [
            (Value::Nil, "null"),
            (Value::Bool(true), "true"),
            (Value::Int(-7), "-7"),
            (Value::Int(1 << 53), "9007199254740992"),
            (Value::Int((1 << 53) + 1), r#"{"$int":"9007199254740993"}"#),
            (Value::Int(i64::MIN), r#"{"$int":"-9223372036854775808"}"#),
            (Value::Float(1.0), "1.0"),
            (Value::Float(-0.0), "-0.0"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(1e300), "1e+300"),
            (Value::Float(5e-324), "5e-324"),
            (Value::Float(9_007_199_254_740_993.0), "9007199254740992.0"),
            (Value::Float(f64::INFINITY), r#"{"$float":"inf"}"#),
            (Value::Float(f64::NEG_INFINITY), r#"{"$float":"-inf"}"#),
            (Value::from("a\"\u{1b}\u{9b}\u{202e}\u{7f}\u{e9}"), "\"a\\\"\\u001b\\u009b\\u202e\\u007f\u{e9}\""),
            (Value::Bytes(vec![0, 255, 16]), r#"{"$bytes":"AP8Q"}"#),
            (Value::Handle(handle), r#"{"$handle":"1:2:4294967295"}"#),
            (Value::List(vec![Value::Nil, Value::List(vec![])]), "[null,[]]"),
            (
                Value::Map(Map::from_iter([
                    ("$int", Value::Int(1)),
                    ("$$", Value::Int(2)),
                    ("a", Value::Map(Map::new())),
                ])),
                r#"{"$$$":2,"$$int":1,"a":{}}"#,
            ),
        ];
        for (value, text) in rows {
            assert_eq!(body::text(&to_json(&value)).unwrap(), text);
            assert_eq!(read::arguments(&format!("[{text}]")).unwrap(), [value], "{text}");
        }
        assert_eq!(body::text(&to_json(&Value::Float(f64::NAN))).unwrap(), r#"{"$float":"nan"}"#);
    }
}
