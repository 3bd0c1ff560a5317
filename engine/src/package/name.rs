//! Which names of files are portable. It looks at names only, never at a disk.

use crate::Code;

/// The longest name of a file or folder, in bytes.
const LONGEST: usize = 255;

/// Names that Windows gives to devices, whatever their ending; COM and LPT take a digit besides.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_lowercase();
    let port =
        |digits: &str| matches!(digits, "\u{b9}" | "\u{b2}" | "\u{b3}") || matches!(digits.as_bytes(), [b'0'..=b'9']);
    DEVICES.contains(&stem.as_str())
        || stem.strip_prefix("com").is_some_and(port)
        || stem.strip_prefix("lpt").is_some_and(port)
}

/// Says what is wrong with the name of one file or folder.
pub(super) fn check_part(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name == "." {
        return Err("has an empty part");
    }
    if name == ".." {
        return Err("has a part `..`");
    }
    if name.len() > LONGEST {
        return Err("is longer than 255 bytes");
    }
    if name.contains(|c: char| c.is_control()) {
        return Err("has a control character");
    }
    if name.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']) {
        return Err("has a character that some systems do not take in a name (one of / \\ < > : \" | ? *)");
    }
    if name.ends_with(['.', ' ']) {
        return Err("ends with a dot or a space, which some systems drop");
    }
    if is_device(name) {
        return Err("is the name of a device on some systems");
    }
    Ok(())
}

/// Says what is wrong with a path that a manifest names: `package.escapes` for one that leads out of the plugin's folder,
/// `package.name` for one that is not portable.
pub(super) fn check_path(path: &str) -> Result<(), (Code, &'static str)> {
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with(['/', '\\']) || drive {
        return Err((Code::PackageEscapes, "is absolute"));
    }
    if path.split(['/', '\\']).any(|part| part == "..") {
        return Err((Code::PackageEscapes, "has a part `..`"));
    }
    path.split('/').try_for_each(check_part).map_err(|problem| (Code::PackageName, problem))
}

/// The longest path in a package, in bytes.
const LONGEST_PATH: usize = 512;

/// Says what is wrong with a path in a package, by the codes of [`check_path`]. ASCII has one normal form; what is hidden is no part of
/// a plugin, and unpacked it would lie where nobody looks.
pub(super) fn check_packed(path: &str) -> Result<(), (Code, &'static str)> {
    if path.len() > LONGEST_PATH {
        return Err((Code::PackageName, "is longer than 512 bytes"));
    }
    if !path.is_ascii() {
        return Err((
            Code::PackageName,
            "is not ASCII; accented letters are written in several ways, and packages take none",
        ));
    }
    check_path(path)?;
    if path.split('/').any(|part| part.starts_with('.')) {
        return Err((Code::PackageName, "has a hidden part, which begins with a dot"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_names() {
        for good in ["main.lua", "W\u{f6}lfe.png", "a b", "...a", "console", "com", "com10", "nulls.lua", ".hidden"] {
            assert_eq!(check_part(good), Ok(()), "{good}");
        }
        let long = "a".repeat(256);
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0",
            "a\n",
            "a\u{7f}",
            "a\u{85}",
            "a:b",
            "a*",
            "a.",
            "a ",
            "nul",
            "NUL.lua",
            "con .txt",
            "Com1",
            "LPT9.x",
            "com\u{b2}",
            "conin$",
            &long,
        ] {
            assert!(check_part(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_of_a_manifest() {
        let rows = [
            ("main.lua", None),
            ("lib/a.b/c.wasm", None),
            ("../main.lua", Some(Code::PackageEscapes)),
            ("lib/../../x", Some(Code::PackageEscapes)),
            ("lib\\..\\x", Some(Code::PackageEscapes)),
            ("/etc/passwd", Some(Code::PackageEscapes)),
            ("\\\\server\\x", Some(Code::PackageEscapes)),
            ("c:x.lua", Some(Code::PackageEscapes)),
            ("", Some(Code::PackageName)),
            ("./main.lua", Some(Code::PackageName)),
            ("a//b", Some(Code::PackageName)),
            ("a/", Some(Code::PackageName)),
            ("a\\b", Some(Code::PackageName)),
            ("a/aux/b", Some(Code::PackageName)),
        ];
        for (path, code) in rows {
            assert_eq!(check_path(path).err().map(|(code, _)| code), code, "{path}");
        }
    }
}
