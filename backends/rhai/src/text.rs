//! Texts of containers, and their comparison: what Rhai does by unbounded recursion, bounded. It never fails for a text:
//! Rhai would fall back to its own way.

use std::fmt::Write;

use rhai::Dynamic;

use crate::{convert::HandleValue, limits::VALUE_DEPTH};

/// What a script or a fault shows of `value`, at most about `most` bytes.
pub(crate) fn render(value: &Dynamic, most: usize) -> String {
    let mut text = String::new();
    write(&mut text, value, most, VALUE_DEPTH, false);
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

fn write(text: &mut String, value: &Dynamic, most: usize, depth: usize, quoted: bool) {
    if text.len() >= most || depth == 0 {
        text.push_str("...");
        return;
    }
    if let Ok(items) = value.as_array_ref() {
        text.push('[');
        for (at, item) in items.iter().enumerate() {
            if text.len() >= most {
                break;
            }
            text.push_str(if at == 0 { "" } else { ", " });
            write(text, item, most, depth - 1, true);
        }
        text.push(']');
    } else if let Ok(map) = value.as_map_ref() {
        text.push_str("#{");
        for (at, (key, item)) in map.iter().enumerate() {
            if text.len() >= most {
                break;
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{key:?}: ", if at == 0 { "" } else { ", " });
            write(text, item, most, depth - 1, true);
        }
        text.push('}');
    } else if value.is::<HandleValue>() {
        text.push_str("handle");
    } else if quoted {
        let _ = write!(text, "{value:?}");
    } else {
        let _ = write!(text, "{value}");
    }
}

/// `value` as JSON; what JSON lacks is null.
pub(crate) fn json(value: &Dynamic) -> Result<String, TooDeep> {
    let mut text = String::new();
    write_json(&mut text, value, VALUE_DEPTH)?;
    Ok(text)
}

fn write_json(text: &mut String, value: &Dynamic, depth: usize) -> Result<(), TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    if let Ok(items) = value.as_array_ref() {
        text.push('[');
        for (at, item) in items.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            write_json(text, item, depth)?;
        }
        text.push(']');
    } else if let Ok(map) = value.as_map_ref() {
        text.push('{');
        for (at, (key, item)) in map.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            write_json_text(text, key);
            text.push(':');
            write_json(text, item, depth)?;
        }
        text.push('}');
    } else if let Ok(string) = value.as_immutable_string_ref() {
        write_json_text(text, &string);
    } else if let Ok(character) = value.as_char() {
        write_json_text(text, character.encode_utf8(&mut [0; 4]));
    } else if value.is_int() || value.is_bool() || value.as_float().is_ok_and(f64::is_finite) {
        let _ = write!(text, "{value}");
    } else {
        text.push_str("null");
    }
    Ok(())
}

fn write_json_text(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            _ if character < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}

/// The containers are nested too deeply to be walked.
#[derive(Debug)]
pub(crate) struct TooDeep;

/// Whether two values are equal as `==` of a script says: numbers of both types compare, functions are never equal.
pub(crate) fn equal(a: &Dynamic, b: &Dynamic, depth: usize) -> Result<bool, TooDeep> {
    let depth = depth.checked_sub(1).ok_or(TooDeep)?;
    if let (Ok(a), Ok(b)) = (a.as_array_ref(), b.as_array_ref()) {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(b.iter()) {
            if !equal(a, b, depth)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if let (Ok(a), Ok(b)) = (a.as_map_ref(), b.as_map_ref()) {
        if a.len() != b.len() {
            return Ok(false);
        }
        for ((key_a, a), (key_b, b)) in a.iter().zip(b.iter()) {
            if key_a != key_b || !equal(a, b, depth)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(scalars_equal(a, b))
}

#[allow(clippy::cast_precision_loss, clippy::float_cmp)]
fn scalars_equal(a: &Dynamic, b: &Dynamic) -> bool {
    match (a.as_int(), a.as_float(), b.as_int(), b.as_float()) {
        (Ok(a), _, Ok(b), _) => return a == b,
        (_, Ok(a), _, Ok(b)) => return a == b,
        (Ok(a), _, _, Ok(b)) => return a as f64 == b,
        (_, Ok(a), Ok(b), _) => return a == b as f64,
        _ => {}
    }
    if let (Ok(a), Ok(b)) = (a.as_immutable_string_ref(), b.as_immutable_string_ref()) {
        return *a == *b;
    }
    if let (Ok(a), Ok(b)) = (a.as_blob_ref(), b.as_blob_ref()) {
        return *a == *b;
    }
    if let (Some(a), Some(b)) = (a.read_lock::<HandleValue>(), b.read_lock::<HandleValue>()) {
        return a.0 == b.0;
    }
    match (a.as_bool(), b.as_bool(), a.as_char(), b.as_char()) {
        (Ok(a), Ok(b), _, _) => a == b,
        (_, _, Ok(a), Ok(b)) => a == b,
        _ => a.is_unit() && b.is_unit(),
    }
}
