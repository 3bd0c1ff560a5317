//! Names in values: snake_case of variants, and what the text form of a type can say.

use syn::{Ident, LitStr, ext::IdentExt};

/// `VeryAngry` -> `very_angry`, `HTTPProxy2` -> `http_proxy2`: a word begins at a capital that follows a small letter or
/// digit, or precedes a small letter.
pub(crate) fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|b| b != '_' && (!b.is_uppercase() || after.is_some_and(|a| a.is_lowercase())));
        if begins {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// A field's name as it stands, `r#type` without the prefix, or as it is renamed: what the text of a record can hold.
pub(crate) fn field(ident: &Ident, rename: Option<&LitStr>) -> syn::Result<String> {
    let name = rename.map_or_else(|| ident.unraw().to_string(), LitStr::value);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        let at = rename.map_or(ident.span(), LitStr::span);
        return Err(syn::Error::new(at, "a field's name holds a-z, A-Z, 0-9, `_`, `-` and `.` only: `rename` it"));
    }
    Ok(name)
}

/// A variant's name in snake_case, unless it is renamed to what can stand between quotes.
pub(crate) fn variant(ident: &Ident, rename: Option<&LitStr>) -> syn::Result<String> {
    let Some(rename) = rename else { return Ok(snake_case(&ident.unraw().to_string())) };
    let name = rename.value();
    if name.contains(|c: char| c == '"' || c.is_control()) {
        return Err(syn::Error::new(rename.span(), "a variant's name holds no quotes and no control characters"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn words_begin_at_capitals() {
        for (name, expected) in [
            ("Calm", "calm"),
            ("VeryAngry", "very_angry"),
            ("HTTPProxy2", "http_proxy2"),
            ("Level2Boss", "level2_boss"),
            ("X", "x"),
            ("Already_Split", "already_split"),
            ("ÄrgerÜber", "ärger_über"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
