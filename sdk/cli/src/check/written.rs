//! [`Written`]: a plugin.toml as its author wrote it, with places: what the engine's manifest, which holds meanings, no longer shows.

use modhost::{Place, package::MANIFEST};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A plugin.toml as it was written.
pub(super) struct Written<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
}

/// A string and where it stands.
pub(super) struct Word<'d> {
    pub(super) text: &'d str,
    pub(super) at: Place,
}

impl<'t> Written<'t> {
    /// `None` for what the engine would not have taken either.
    pub(super) fn parse(bytes: &'t [u8]) -> Option<Self> {
        let text = str::from_utf8(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)).ok()?;
        Some(Written { text, root: DeTable::parse(text).ok()? })
    }

    /// The place of the byte at `offset`.
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let number = |n: usize| u32::try_from(n).ok();
        Place { file: MANIFEST.into(), line: number(line), column: number(column) }
    }

    fn table(&self, name: &str) -> Option<&DeTable<'t>> {
        self.root.get_ref().get(name)?.get_ref().as_table()
    }

    fn word<'d>(&'d self, value: &'d Spanned<DeValue<'t>>) -> Option<Word<'d>> {
        Some(Word { text: value.get_ref().as_str()?, at: self.place(value.span().start) })
    }

    /// The strings of the array `table.key`.
    pub(super) fn array(&self, table: &str, key: &str) -> Vec<Word<'_>> {
        let array = self.table(table).and_then(|table| table.get(key)?.get_ref().as_array());
        array.into_iter().flatten().filter_map(|value| self.word(value)).collect()
    }

    /// Every version requirement, in no order; of `"wolf 1.2.3"` only what stands behind the id.
    pub(super) fn requirements(&self) -> Vec<Word<'_>> {
        let mut found = Vec::new();
        for table in ["requires", "dependencies", "dev-dependencies", "conflicts"] {
            for (_, value) in self.table(table).into_iter().flatten() {
                let version = value.get_ref().as_table().and_then(|table| table.get("version"));
                found.extend(self.word(version.unwrap_or(value)));
            }
        }
        found.extend(self.table("plugin").and_then(|plugin| self.word(plugin.get("engine")?)));
        let mut named = self.array("plugin", "depends");
        for (_, choices) in self.table("any-of").into_iter().flatten() {
            let choices = choices.get_ref().as_array();
            named.extend(choices.into_iter().flatten().filter_map(|value| self.word(value)));
        }
        found.extend(named.into_iter().filter_map(|word| {
            let (_, version) = word.text.rsplit_once(' ')?;
            Some(Word { text: version, at: word.at })
        }));
        found
    }

    /// The place of the table or key `name` at the top.
    pub(super) fn key(&self, name: &str) -> Option<Place> {
        let (key, _) = self.root.get_ref().iter().find(|(key, _)| key.get_ref() == name)?;
        Some(self.place(key.span().start))
    }

    /// The place of the entry `table.name`.
    pub(super) fn entry(&self, table: &str, name: &str) -> Option<Place> {
        let (key, _) = self.table(table)?.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(self.place(key.span().start))
    }

    /// The best place for a note of the engine's, which quotes what it is about: `[state] is reserved`, `` `lib.so` is not there ``.
    pub(super) fn quoted(&self, note: &str) -> Option<Place> {
        if let Some(name) = note.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            return self.key(name);
        }
        let quoted = note.split('`').nth(1)?;
        // Named twice: the second is the one too many.
        let at = if note.ends_with("twice") { self.text.rfind(quoted) } else { self.text.find(quoted) };
        at.map(|offset| self.place(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_stand_where_they_stand() {
        let text = "[plugin]\nengine = \"0.1.0\"\ndepends = [\"? fox 1.2.3\"]\n[dependencies]\nowl = { version = \"2.0.0\" }\n\
                    [any-of]\nbird = [\"a\", \"b ^1\"]\n[requires]\nworld = \"^1\"\n";
        let written = Written::parse(text.as_bytes()).unwrap();
        let mut found: Vec<_> =
            written.requirements().into_iter().map(|word| (word.at.line, word.at.column, word.text)).collect();
        found.sort_unstable();
        let row = |line, column, text| (Some(line), Some(column), text);
        assert_eq!(
            found,
            [row(2, 10, "0.1.0"), row(3, 12, "1.2.3"), row(5, 19, "2.0.0"), row(7, 14, "^1"), row(9, 9, "^1")]
        );
        assert_eq!(written.quoted("[requires] is reserved").unwrap().line, Some(8));
        assert_eq!(written.quoted("`bird` is named twice").unwrap().line, Some(7));
        assert_eq!(written.quoted("`cat` is not there"), None);
    }
}
